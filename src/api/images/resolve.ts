import { Array as ArrayOf, Object as ObjectOf, Optional, String as StringOf, Unknown } from 'typebox';
import { Check } from 'typebox/schema';
import { LIMITS } from '../../core/model/index.ts';
import { ApiError } from '../http/api-error.ts';
import type { ImageDetails } from '../../engine/port.ts';
import { askAll } from '../instance/ask.ts';
import type { ApiContext } from '../context.ts';
import type { Scope } from '../instance/scope.ts';
import { parseReference, referenceText } from './reference.ts';

/** What a create needs to know of its image; the node that gets the container fetches the rest by digest. */
export interface ResolvedImage {
  /** Normalised. */
  readonly reference: string;
  /** Of the index or manifest. */
  readonly digest: string;
  readonly arches: readonly string[];
  readonly stopSignal: string;
  /** `80/tcp`. */
  readonly exposedPorts: readonly string[];
}

/** The part of a peer's answer to `images/{name}/json` that tells all that; `Caravela` is ours. */
const PEER_IMAGE = ObjectOf({
  Config: Optional(ObjectOf({ StopSignal: Optional(StringOf()), ExposedPorts: Optional(Unknown()) })),
  Caravela: ObjectOf({
    Digest: StringOf({ pattern: '^sha256:[0-9a-f]{64}$' }),
    References: ArrayOf(StringOf()),
    Arches: ArrayOf(StringOf({ maxLength: 32 }), { maxItems: 64 }),
  }),
});

/** Finds an image here, else on any node that answers. @throws ApiError 400 (not a reference), 404 (nobody has it) */
export async function resolveImage(context: ApiContext, name: string, scope: Scope): Promise<ResolvedImage> {
  if (!isId(name)) parseReference(name);
  const here = await context.backend.images.inspect(name);
  if (here !== undefined) return resolvedFrom(name, here);
  const path = `/images/${encodeURIComponent(name)}/json`;
  const asked = scope === 'node' ? undefined : await askAll(context.backend, { path, enough: (answer) => answer.status === 200 });
  const found = asked?.answers.find((answer) => answer.status === 200 && Check(PEER_IMAGE, answer.body));
  if (found === undefined) throw new ApiError(404, noSuchImage(name).message, { missingImage: name });
  const body = found.body as {
    Config?: { StopSignal?: string; ExposedPorts?: unknown };
    Caravela: { Digest: string; References: string[]; Arches: string[] };
  };
  return {
    reference: referenceOf(name, body.Caravela.References, body.Caravela.Digest),
    digest: body.Caravela.Digest,
    arches: body.Caravela.Arches,
    stopSignal: body.Config?.StopSignal ?? '',
    exposedPorts: exposedPortsOf(body.Config?.ExposedPorts),
  };
}

/** Docker's words: its client pulls after them. */
export function noSuchImage(name: string): ApiError {
  const text = isId(name) ? name : withTag(name);
  return new ApiError(404, `No such image: ${text}`);
}

function resolvedFrom(name: string, image: ImageDetails): ResolvedImage {
  const stopSignal = image.config['StopSignal'];
  return {
    reference: referenceOf(name, image.references, image.digest),
    digest: image.digest,
    arches: image.arches,
    stopSignal: typeof stopSignal === 'string' ? stopSignal : '',
    exposedPorts: exposedPortsOf(image.config['ExposedPorts']),
  };
}

/** Images come from anywhere: what in them is no port is left out, and so is what is beyond a container's bound. */
function exposedPortsOf(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value)
    .filter((key) => /^\d{1,5}(\/(tcp|udp))?$/.test(key))
    .map((key) => (key.includes('/') ? key : `${key}/tcp`))
    .filter((key) => Number.parseInt(key, 10) >= 1 && Number.parseInt(key, 10) <= 65_535)
    .slice(0, LIMITS.hostPorts);
}

/** The name as the user wrote it, normalised; for an id the first name the image has, else its digest. */
function referenceOf(name: string, references: readonly string[], digest: string): string {
  const normalised = normalise(name);
  if (normalised !== undefined && (references.includes(normalised) || !isId(name))) return normalised;
  return references[0] ?? digest;
}

const isId = (name: string): boolean => /^(sha256:)?[0-9a-f]{4,64}$/.test(name);

function normalise(name: string): string | undefined {
  try {
    return referenceText(parseReference(name));
  } catch {
    return undefined;
  }
}

const withTag = (name: string): string => (/[:@][^/]*$/.test(name) ? name : `${name}:latest`);
