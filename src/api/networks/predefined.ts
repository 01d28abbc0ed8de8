import { createHash } from 'node:crypto';
import { type AgreedNetwork, DEFAULT_NETWORK } from '../../core/model/index.ts';
import type { NetworkRow } from '../../docker-api/types.ts';
import type { Backend } from '../backend.ts';
import { ApiError } from '../http/api-error.ts';

/** Networks of every node that nobody agrees on: loopback alone, and the node's own. */
export const LOCAL_NETWORKS = ['none', 'host'] as const;
export type LocalNetwork = (typeof LOCAL_NETWORKS)[number];

/** Whether a client means the network that a plain run joins: Docker's clients call theirs so. */
export const isDefaultName = (word: string): boolean => ['', 'default', 'bridge'].includes(word);

/** Names that no one may give a network, or take one from. */
export const isPredefined = (name: string): boolean =>
  isDefaultName(name) || name === DEFAULT_NETWORK || LOCAL_NETWORKS.some((local) => local === name);

/** @throws ApiError 503 where this node has not heard of it */
export function defaultNetwork({ networks }: Backend): AgreedNetwork {
  const found = networks.list().find(({ name }) => name === DEFAULT_NETWORK);
  if (found !== undefined) return found;
  throw new ApiError(
    503,
    `this node does not know the default network ${DEFAULT_NETWORK} yet; see \`caravela agreement status\`, and try again`,
  );
}

/** The same on every node, as the networks are. */
export const localNetworkId = (name: LocalNetwork): string => createHash('sha256').update(`caravela network ${name}`).digest('hex');

export const LOCAL_ROWS: readonly NetworkRow[] = LOCAL_NETWORKS.map((name) => ({
  Name: name,
  Id: localNetworkId(name),
  Created: '0001-01-01T00:00:00Z',
  Scope: 'local',
  Driver: name === 'none' ? 'null' : name,
  EnableIPv6: false,
  IPAM: { Driver: 'default', Options: null, Config: [] },
  Internal: false,
  Attachable: false,
  Ingress: false,
  ConfigFrom: { Network: '' },
  ConfigOnly: false,
  Containers: {},
  Options: {},
  Labels: {},
}));
