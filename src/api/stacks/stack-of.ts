import { portsClash, requestId, type Stack } from '../../core/model/index.ts';
import { requestOf } from '../containers/create-request.ts';
import type { SettleOptions } from '../containers/networking/settle-networking.ts';
import { type Settled, settle } from '../containers/settle.ts';
import type { ApiContext } from '../context.ts';
import { ApiError, fromNetworkRefused } from '../http/api-error.ts';
import { type ResolvedImage, resolveImage } from '../images/resolve.ts';
import type { Scope } from '../instance/scope.ts';
import { NetworkRefused } from '../network-service.ts';
import { aboutPart, namingPart, type WantedStack } from './stack-body.ts';

/** The images of all parts, each looked up once, in the parts' order. @throws ApiError 404, naming the part */
export async function imagesOf(context: ApiContext, { parts }: WantedStack, scope: Scope): Promise<readonly ResolvedImage[]> {
  const found = new Map<string, ResolvedImage>();
  for (const { label, wanted } of parts) {
    const name = wanted.body.Image;
    if (found.has(name)) continue;
    const image = await resolveImage(context, name, scope).catch((error: unknown) => {
      throw namingPart(label, error);
    });
    found.set(name, image);
  }
  return parts.map(({ wanted }) => found.get(wanted.body.Image) as ResolvedImage);
}

/** Networks and volumes of all parts, in order: what one names by its block the next finds made. @throws ApiError, naming the part */
export async function settledOf(context: ApiContext, { parts }: WantedStack, options: SettleOptions): Promise<readonly Settled[]> {
  const settled: Settled[] = [];
  for (const { label, wanted } of parts) {
    settled.push(
      await settle(context, wanted, options).catch((error: unknown) => {
        throw namingPart(label, error instanceof NetworkRefused ? fromNetworkRefused(error) : error);
      }),
    );
  }
  return settled;
}

/** What of the parts was looked up, each list in their order. */
export interface LookedParts {
  readonly images: readonly ResolvedImage[];
  readonly settled: readonly Settled[];
  readonly names: readonly string[];
}

/** The core's stack. @throws ApiError 400, naming the part */
export function stackOf(context: ApiContext, wanted: WantedStack, { images, settled, names }: LookedParts): Stack {
  const randomHex = (bytes: number): string => context.backend.randomHex(bytes);
  const stack: Stack = {
    id: requestId(randomHex(16)),
    groups: wanted.groups,
    parts: wanted.parts.map((part, i) => ({
      group: part.group,
      request: aboutPart(part.label, () =>
        requestOf(part.wanted, names[i] ?? '', { image: images[i] as ResolvedImage, settled: settled[i] as Settled }, randomHex),
      ),
    })),
  };
  for (const [i, part] of wanted.parts.entries()) aboutPart(part.label, () => refuseClash(stack, i));
  return stack;
}

/** Wherever the parts go, the node that is asked serves the ports of all. @throws ApiError 409 */
function refuseClash({ parts }: Stack, at: number): void {
  const ports = parts[at]?.request.hostPorts ?? [];
  for (const { request } of parts.slice(0, at)) {
    const taken = ports.find((port) => request.hostPorts.some((other) => portsClash(port, other)));
    if (taken === undefined) continue;
    throw new ApiError(
      409,
      `it publishes port ${taken.port}/${taken.protocol} of the host, and so does container ${request.name}: the node that is asked serves it for one of them only`,
    );
  }
}
