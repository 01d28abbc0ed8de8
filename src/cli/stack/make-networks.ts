import type { Client } from '../../docker-api/client.ts';
import { ApiError } from '../../docker-api/errors.ts';
import type { StackBody } from '../../docker-api/stack-types.ts';
import type { NetworkCreated, NetworkRow } from '../../docker-api/types.ts';
import { networkPath } from '../paths.ts';
import type { StackNetwork } from './networks.ts';
import { StackFileError } from './stack-file-error.ts';

/**
 * Makes the networks that a stack file declares, that a container of it is on, and that are not there
 * yet. @returns the ids of those made. @throws StackFileError where one can't be, or is another than the file says; then none stays
 */
export async function makeNetworks(
  client: Client,
  file: string,
  body: StackBody,
  networks: readonly StackNetwork[],
): Promise<readonly string[]> {
  const made: string[] = [];
  try {
    for (const network of networks.filter(({ name }) => isUsed(body, name))) {
      if (await isThere(client, file, network)) continue;
      const { value } = await client.json<NetworkCreated>('POST', '/networks/create', { body: network.body }).catch((error: unknown) => {
        throw error instanceof ApiError ? new StackFileError(file, network.line, `network ${network.name}: ${error.message}`) : error;
      });
      made.push(value.Id);
    }
    return made;
  } catch (error) {
    await removeNetworks(client, made);
    throw error;
  }
}

/** What of a failed stack was made for it. One that another took meanwhile stays: it is theirs now. */
export async function removeNetworks(client: Client, ids: readonly string[]): Promise<void> {
  for (const id of ids) await client.json('DELETE', networkPath(id)).catch(() => undefined);
}

/** For a dry run, which makes nothing: leaves out the networks that a run would make. */
export async function withoutMissing(client: Client, file: string, body: StackBody, networks: readonly StackNetwork[]): Promise<StackBody> {
  const missing = new Set<string>();
  for (const network of networks.filter(({ name }) => isUsed(body, name))) {
    if (!(await isThere(client, file, network))) missing.add(network.name);
  }
  return { ...body, parts: body.parts.map((part) => ({ ...part, body: withoutNetworks(part.body, missing) })) };
}

type PartBody = StackBody['parts'][number]['body'];

function withoutNetworks(body: PartBody, missing: ReadonlySet<string>): PartBody {
  const endpoints = Object.entries(body.NetworkingConfig?.EndpointsConfig ?? {}).filter(([name]) => !missing.has(name));
  const mode = body.HostConfig?.NetworkMode ?? 'default';
  const kept = missing.has(mode) ? (endpoints[0]?.[0] ?? 'default') : mode;
  return {
    ...body,
    HostConfig: { ...body.HostConfig, NetworkMode: kept },
    ...(body.NetworkingConfig === undefined ? {} : { NetworkingConfig: { EndpointsConfig: Object.fromEntries(endpoints) } }),
  };
}

const isUsed = ({ parts }: StackBody, name: string): boolean =>
  parts.some(({ body }) => body.HostConfig?.NetworkMode === name || Object.hasOwn(body.NetworkingConfig?.EndpointsConfig ?? {}, name));

async function isThere(client: Client, file: string, { name, line, isExternal, body }: StackNetwork): Promise<boolean> {
  try {
    const { value } = await client.json<NetworkRow>('GET', networkPath(name));
    const [subnet, wanted] = [value.IPAM.Config[0]?.Subnet, body.IPAM?.Config?.[0]?.Subnet];
    if (wanted === undefined || wanted === subnet) return true;
    throw new StackFileError(
      file,
      line,
      `network ${name} is there with the subnet ${subnet ?? 'none'}, not ${wanted}: say another name for it, or remove that one with \`caravela network rm ${name}\``,
    );
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    if (!isExternal) return false;
    throw new StackFileError(file, line, `network ${name} is external, and is not there: \`caravela network create ${name}\` makes it`);
  }
}
