import type { NetworkId, NodeId } from '../../core/model/index.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import { MEMBERS_KEY } from '../members/port.ts';

/**
 * The keys of what is agreed, in the first version of their layout. Two that must not change at the same
 * time share a guard: a key that every change of either moves, and that every decision is conditioned on.
 *
 *   nodes/in/<id>                who belongs to the instance; absent: a lease can't be given to it
 *   nodes/gone/<id>              who left or was removed
 *   nodes/name/<name>            name → node
 *   nodes/next-number            numbers are counted, never used again
 *   tokens/<id>                  join tokens, as hashes
 *   ca-holders/<node>            who has the key that signs certificates
 *   agreement/members            who takes part in agreement, written by the engine's leader
 *   networks/guard               moved by each change of the set: subnets never overlap
 *   networks/{id/<id>,name/<name>,vni/<vni>}
 *   leases/<network>/guard       moved by each change of the network's leases
 *   leases/<network>/<block>     block: 8 hex digits of its base, '-', prefix length
 *   volumes/<name>               named volume → the node that has it
 *   gossip-keys/ring             the keys that datagrams are sealed with; absent: as at create
 *   gossip-keys/due              a new one is wanted
 */
export const PREFIX = '/caravela/v1/';

export const KEYS = {
  nextNumber: `${PREFIX}nodes/next-number`,
  nodeIn: (id: NodeId): string => `${PREFIX}nodes/in/${id}`,
  nodeGone: (id: NodeId): string => `${PREFIX}nodes/gone/${id}`,
  nodeName: (name: string): string => `${PREFIX}nodes/name/${name}`,
  tokens: `${PREFIX}tokens/`,
  token: (id: string): string => `${PREFIX}tokens/${id}`,
  members: MEMBERS_KEY,
  caHolder: (id: NodeId): string => `${PREFIX}ca-holders/${id}`,
  networks: `${PREFIX}networks/`,
  networksGuard: `${PREFIX}networks/guard`,
  network: (id: NetworkId): string => `${PREFIX}networks/id/${id}`,
  networkName: (name: string): string => `${PREFIX}networks/name/${name}`,
  networkVni: (vni: number): string => `${PREFIX}networks/vni/${vni}`,
  leases: (network: NetworkId): string => `${PREFIX}leases/${network}/`,
  leasesGuard: (network: NetworkId): string => `${PREFIX}leases/${network}/guard`,
  lease: (network: NetworkId, block: Cidr): string => `${PREFIX}leases/${network}/${blockKey(block)}`,
  volume: (name: string): string => `${PREFIX}volumes/${name}`,
  /** Secret, unlike all else that is agreed. */
  gossip: `${PREFIX}gossip-keys/`,
  gossipKeys: `${PREFIX}gossip-keys/ring`,
  gossipKeysDue: `${PREFIX}gossip-keys/due`,
} as const;

/** Transactions of one node, by way of members, that may be under way at a time. */
const FORWARD_SLOTS = 4;
/** Beside what is agreed: no copy carries it, and it is of no use to a new cluster. */
export const forwardPrefix = (node: NodeId): string => `/caravela/forward/${node}/`;
export const forwardKeys = (node: NodeId): readonly string[] =>
  Array.from({ length: FORWARD_SLOTS }, (_, n) => `${forwardPrefix(node)}${n}`);

function blockKey({ base, prefix }: Cidr): string {
  return `${base.toString(16).padStart(8, '0')}-${prefix}`;
}
