import { halves, holds, sameBlock, sizeOf } from '../../lib/ipv4.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import type { Lease, NodeId } from '../model/index.ts';
import { unfit } from './addresses.ts';
import type { Holdings } from './holdings.ts';
import type { LeaseAnswer, LeaseChange } from './port.ts';
import { LEASES } from './tunables.ts';

/** A change to make, or the answer where there is none to make. */
export type Giving = { readonly change: LeaseChange } | { readonly answer: LeaseAnswer };

/** One address for another node's `--ip`, by what is agreed now. */
export function cede(holdings: Holdings, leases: readonly Lease[], address: number, to: NodeId): Giving {
  const { self, network, facts } = holdings;
  const single = leases.find(({ block }) => block.prefix === 32 && block.base === address);
  if (single?.node === to) return { answer: { kind: 'given' } };
  const lease = single ?? leases.find(({ block }) => holds(block, address));
  if (lease?.node !== self) return { answer: { kind: 'not-mine' } };
  if (isKept(holdings, address)) return { answer: { kind: 'in-use', by: holdings.userOf(address) } };
  if (facts === undefined || unfit(facts, address) !== undefined) return { answer: { kind: 'in-use', by: undefined } };
  // A single address goes back to where it came from; who asked reads who has it then.
  if (lease.block.prefix === 32) return { change: { add: [], remove: [lease] } };
  return { change: { add: [{ network, block: { base: address, prefix: 32 }, node: to }], remove: [] } };
}

/** The largest idle part of what this node has: its lease shrinks to the rest. */
export function reclaim(holdings: Holdings, leases: readonly Lease[]): Giving {
  let best: { readonly lease: Lease; readonly piece: Cidr } | undefined;
  for (const lease of leases) {
    if (lease.node !== holdings.self) continue;
    const piece = idlePiece(holdings, lease.block, best?.piece.prefix ?? 33);
    if (piece !== undefined) best = { lease, piece };
  }
  if (best === undefined) return { answer: { kind: 'none' } };
  const { lease } = best;
  const piece = sameBlock(best.piece, lease.block) ? (spareHalf(holdings, lease.block) ?? lease.block) : best.piece;
  const rest = without(lease.block, piece).filter((block) => holdings.usable(block) > 0);
  return { change: { add: rest.map((block) => ({ ...lease, block })), remove: [lease] } };
}

/**
 * Idle leases that this node does not need: all where nothing is in use, else those without which the rest would
 * be in use to `returnBelow` at most; and single addresses inside others' blocks. `keepOne`: the largest stays.
 */
export function surplus(holdings: Holdings, keepOne: boolean): readonly Lease[] {
  const { own, inUse } = holdings;
  const isBusy = inUse.size > holdings.capacity * LEASES.returnBelow;
  if (own.length === 0 || (isBusy && own.every(({ block }) => block.prefix < 32))) return [];
  const isNested = ({ block }: Lease) => block.prefix === 32 && isInsideAnothers(holdings, block.base);
  const idle = own.filter(({ block }) => !holdings.isUsedIn(block));
  const inOrder = idle.toSorted((a, b) => Number(isNested(b)) - Number(isNested(a)) || b.block.prefix - a.block.prefix);
  let { capacity } = holdings;
  let left = own.length;
  return inOrder.filter((lease) => {
    if (keepOne && left === 1) return false;
    const rest = capacity - holdings.usable(lease.block);
    if (inUse.size > rest * LEASES.returnBelow && !isNested(lease)) return false;
    capacity = rest;
    left -= 1;
    return true;
  });
}

/** The largest aligned part in which nothing is in use and something could be; only one larger than of length `below`. */
function idlePiece(holdings: Holdings, block: Cidr, below: number): Cidr | undefined {
  if (block.prefix >= below || holdings.usable(block) <= 0) return undefined;
  if (!holdings.isUsedIn(block)) return block;
  const [lower, upper] = halves(block) ?? [];
  if (lower === undefined || upper === undefined) return undefined;
  const first = idlePiece(holdings, lower, below);
  return idlePiece(holdings, upper, first?.prefix ?? below) ?? first;
}

/** Of a wholly idle block the upper half, where either half is of use to somebody. */
function spareHalf(holdings: Holdings, block: Cidr): Cidr | undefined {
  const [lower, upper] = halves(block) ?? [];
  if (lower === undefined || upper === undefined) return undefined;
  return holdings.usable(lower) > 0 && holdings.usable(upper) > 0 ? upper : undefined;
}

/** The blocks that remain of `block` when `piece` is cut out of it. */
function without(block: Cidr, piece: Cidr): readonly Cidr[] {
  if (sizeOf(piece) >= sizeOf(block)) return [];
  const [lower, upper] = halves(block) ?? [];
  if (lower === undefined || upper === undefined) return [];
  return holds(lower, piece.base) ? [...without(lower, piece), upper] : [lower, ...without(upper, piece)];
}

const isKept = (holdings: Holdings, address: number): boolean => holdings.userOf(address) !== undefined || holdings.isWanted(address);

const isInsideAnothers = ({ leases, self }: Holdings, address: number): boolean =>
  leases.some(({ node, block }) => node !== self && block.prefix < 32 && holds(block, address));
