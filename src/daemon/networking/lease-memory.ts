import type { AgreedVersion, Lease, NetworkId, NodeId } from '../../core/model/index.ts';
import type { KeptLeases, PendingChange } from '../../core/leases/port.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import { isAddress } from './lease-messages.ts';

/** Name of the store's document with what the lease machine wants back after a restart. */
export const LEASES_DOCUMENT = 'leases';

/** As it was put. What an older or newer version of the program wrote otherwise is left out, entry by entry. */
export function keptLeasesOf(document: unknown): KeptLeases {
  return listOf(document).flatMap((each): KeptLeases => {
    const { network, pending, floor, recent } = each;
    if (typeof network !== 'string') return [];
    return [
      {
        network: network as NetworkId,
        pending: isObject(pending) && typeof pending['guard'] === 'number' ? pendingOf(pending, pending['guard']) : undefined,
        floor: isVersion(floor) ? { epoch: floor.epoch, revision: floor.revision } : undefined,
        recent: Array.isArray(recent) ? recent.filter(isAddress) : [],
      },
    ];
  });
}

const pendingOf = (pending: Readonly<Record<string, unknown>>, guard: number): PendingChange => ({
  guard,
  add: leasesOf(pending['add']),
  remove: leasesOf(pending['remove']),
});

function leasesOf(value: unknown): readonly Lease[] {
  return listOf(value).flatMap(({ network, node, block }) =>
    typeof network === 'string' && typeof node === 'string' && isBlock(block)
      ? [{ network: network as NetworkId, node: node as NodeId, block: { base: block.base, prefix: block.prefix } }]
      : [],
  );
}

const isBlock = (value: unknown): value is Cidr =>
  isObject(value) && isAddress(value['base']) && isAddress(value['prefix']) && value['prefix'] <= 32;

const isVersion = (value: unknown): value is AgreedVersion =>
  isObject(value) && typeof value['epoch'] === 'number' && typeof value['revision'] === 'number';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;
const listOf = (value: unknown): readonly Readonly<Record<string, unknown>>[] => (Array.isArray(value) ? value.filter(isObject) : []);
