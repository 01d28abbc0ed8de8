import type { AgreedNetwork } from '../../core/model/index.ts';
import { parseCidr, sameBlock } from '../../lib/ipv4.ts';
import type { Backend } from '../backend.ts';
import { ApiError } from '../http/api-error.ts';
import { defaultNetwork, isDefaultName, LOCAL_NETWORKS, localNetworkId, type LocalNetwork } from './predefined.ts';

export type FoundNetwork =
  | { readonly kind: 'agreed'; readonly network: AgreedNetwork }
  | { readonly kind: 'local'; readonly name: LocalNetwork };

/** By id, name, the beginning of an id that is no other's (Docker's order), or by its subnet. @throws ApiError 404, 400 */
export function findNetwork(backend: Backend, word: string): FoundNetwork {
  if (isDefaultName(word)) return { kind: 'agreed', network: defaultNetwork(backend) };
  const all: readonly { readonly id: string; readonly name: string; readonly found: FoundNetwork }[] = [
    ...backend.networks.list().map((network) => ({ id: network.id, name: network.name, found: { kind: 'agreed', network } as const })),
    ...LOCAL_NETWORKS.map((name) => ({ id: localNetworkId(name), name, found: { kind: 'local', name } as const })),
  ];
  const exact = all.find(({ id }) => id === word) ?? all.find(({ name }) => name === word);
  if (exact !== undefined) return exact.found;
  const block = parseCidr(word);
  const ofBlock = block === undefined ? undefined : backend.networks.list().find(({ subnet }) => sameBlock(subnet, block));
  if (ofBlock !== undefined) return { kind: 'agreed', network: ofBlock };
  const [first, second] = /^[0-9a-f]{1,64}$/.test(word) ? all.filter(({ id }) => id.startsWith(word)) : [];
  if (first === undefined) throw noSuchNetwork(word);
  if (second !== undefined) throw new ApiError(400, `network ${word} is ambiguous (it begins the ids of ${first.name} and ${second.name})`);
  return first.found;
}

/** @throws ApiError 403 for none and host */
export function agreedOnly(found: FoundNetwork, what: string): AgreedNetwork {
  if (found.kind === 'local') throw new ApiError(403, `network ${found.name} is predefined: a container can't ${what}`);
  return found.network;
}

export const noSuchNetwork = (word: string): ApiError => new ApiError(404, `network ${word.slice(0, 200)} not found`);
