import type { Lease, NetworkId, NodeId } from '../../core/model/index.ts';
import { NOTHING_KEPT } from '../../core/leases/port.ts';
import type { KeptLeases, PendingChange } from '../../core/leases/port.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import { isAddress } from './lease-messages.ts';

/** Name of the store's document with what the lease machine wants back after a restart. */
export const LEASES_DOCUMENT = 'leases';

/** As it was put. What an older or newer version of the program wrote otherwise is left out, entry by entry. */
export function keptLeasesOf(document: unknown): KeptLeases {
  if (!isObject(document)) return NOTHING_KEPT;
  return {
    pending: listOf(document['pending']).flatMap((each): readonly PendingChange[] => {
      const { network, guard } = each;
      if (typeof network !== 'string' || typeof guard !== 'number') return [];
      return [{ network: network as NetworkId, guard, add: leasesOf(each['add']), remove: leasesOf(each['remove']) }];
    }),
    recent: listOf(document['recent']).flatMap(({ network, addresses }) =>
      typeof network === 'string' && Array.isArray(addresses)
        ? [{ network: network as NetworkId, addresses: addresses.filter(isAddress) }]
        : [],
    ),
  };
}

function leasesOf(value: unknown): readonly Lease[] {
  return listOf(value).flatMap(({ network, node, block }) =>
    typeof network === 'string' && typeof node === 'string' && isBlock(block)
      ? [{ network: network as NetworkId, node: node as NodeId, block: { base: block.base, prefix: block.prefix } }]
      : [],
  );
}

const isBlock = (value: unknown): value is Cidr =>
  isObject(value) && isAddress(value['base']) && isAddress(value['prefix']) && value['prefix'] <= 32;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;
const listOf = (value: unknown): readonly Readonly<Record<string, unknown>>[] => (Array.isArray(value) ? value.filter(isObject) : []);
