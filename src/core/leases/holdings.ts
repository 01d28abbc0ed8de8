import { blockAt, holds, lastOf, sizeOf } from '../../lib/ipv4.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import { newerVersion } from '../model/index.ts';
import type { AgreedVersion, ContainerId, Lease, NetworkId, NodeId } from '../model/index.ts';
import { unfit, usableIn } from './addresses.ts';
import type { KeptAddress, KeptNetwork, NetworkCopy, NetworkFacts, PendingChange } from './port.ts';
import { LEASES } from './tunables.ts';

/**
 * What this node has of one network: the leases as it last saw them agreed, the addresses in use, and in which
 * order the others were given back. An address can be handed out where the newest evidence (a linearizable
 * read, or the copy) has it leased to this node, and no change of ours that may yet be committed takes it away.
 */
export class Holdings {
  readonly network: NetworkId;
  readonly self: NodeId;
  #facts: NetworkFacts | undefined;
  #leases: readonly Lease[] = [];
  /** A read's is its guard: whatever copy has come so far has at least all that the read saw. */
  #seen: AgreedVersion = { epoch: 0, revision: -1 };
  /** By base. */
  #own: readonly Lease[] = [];
  /** Their bases, by prefix length. */
  #ownBases: ReadonlyMap<number, ReadonlySet<number>> = new Map();
  /** Single addresses inside our blocks that are others' (`--ip`). */
  #ceded: ReadonlySet<number> = new Set();
  #capacity = 0;
  readonly #byOwner = new Map<ContainerId, number>();
  readonly #byAddress = new Map<number, ContainerId>();
  /** Given back, in that order; an address that is neither here nor in use was never used. */
  readonly #freed = new Set<number>();
  /** Addresses that takes which wait want for themselves. */
  readonly #wanted = new Map<number, number>();
  /** The only change whose outcome may be unknown, of those that give something up. */
  pending: PendingChange | undefined;
  /** Evidence of what this node gave up last: an older copy, all that a power cut may have left, must not be believed. */
  #floor: AgreedVersion | undefined;
  #isBehind = false;
  /** Whether some evidence is newer than what this node knew when it was started. */
  isCurrent = false;

  constructor(network: NetworkId, self: NodeId) {
    this.network = network;
    this.self = self;
  }

  get facts(): NetworkFacts | undefined {
    return this.#facts;
  }

  get leases(): readonly Lease[] {
    return this.#leases;
  }

  get own(): readonly Lease[] {
    return this.#own;
  }

  /** Usable addresses leased to this node, in use or not. */
  get capacity(): number {
    return this.#capacity;
  }

  get inUse(): ReadonlyMap<ContainerId, number> {
    return this.#byOwner;
  }

  get recent(): readonly number[] {
    return [...this.#freed].slice(-LEASES.recent);
  }

  get floor(): AgreedVersion | undefined {
    return this.#floor;
  }

  /** This node's copy, unless a read has shown something newer. */
  seeCopy({ facts, leases, version }: NetworkCopy): void {
    this.#facts = facts;
    const isOlder = newerVersion(this.#seen, version);
    if (isOlder) return;
    this.#see(leases, version);
    this.#isBehind &&= this.#floor !== undefined && newerVersion(this.#floor, version);
  }

  /**
   * What a read found, unless the copy has it by now, and perhaps more. Its guard is its revision. Returns whether
   * anything can be decided by it: not where it is of an epoch that is over.
   */
  seeRead(leases: readonly Lease[], version: AgreedVersion): boolean {
    if (version.epoch < this.#seen.epoch) return false;
    this.isCurrent = true;
    this.#isBehind = false;
    if (newerVersion(version, this.#seen)) this.#see(leases, version);
    return true;
  }

  /** The change in doubt was made, or never will be: what this node has is as it last saw it. */
  settle(): void {
    this.pending = undefined;
    this.#floor = this.#seen;
  }

  /** After the copy was seen. */
  restore(kept: readonly KeptAddress[], { recent, floor, pending }: Pick<KeptNetwork, 'recent' | 'floor' | 'pending'>): void {
    this.pending = pending;
    this.#floor = floor;
    this.#isBehind = floor !== undefined && newerVersion(floor, this.#seen);
    for (const address of recent) this.#freed.add(address);
    for (const { container, address } of kept) this.use(container, address);
  }

  use(owner: ContainerId, address: number): void {
    if (this.#byOwner.get(owner) !== address) this.release(owner);
    this.#byOwner.set(owner, address);
    this.#byAddress.set(address, owner);
    this.#freed.delete(address);
  }

  /** Returns whether it had one. */
  release(owner: ContainerId): boolean {
    const address = this.#byOwner.get(owner);
    if (address === undefined) return false;
    this.#byOwner.delete(owner);
    if (this.#byAddress.get(address) === owner) {
      this.#byAddress.delete(address);
      if (this.isOwn(address)) this.#freed.add(address);
    }
    return true;
  }

  userOf(address: number): ContainerId | undefined {
    return this.#byAddress.get(address);
  }

  want(address: number): void {
    this.#wanted.set(address, (this.#wanted.get(address) ?? 0) + 1);
  }

  unwant(address: number): void {
    const left = (this.#wanted.get(address) ?? 0) - 1;
    if (left > 0) this.#wanted.set(address, left);
    else this.#wanted.delete(address);
  }

  isWanted(address: number): boolean {
    return this.#wanted.has(address);
  }

  /** By the newest evidence. A single address beats the block around it. */
  isOwn(address: number): boolean {
    return !this.#ceded.has(address) && this.#isWithin(address);
  }

  /** Whether `take` may have just this address, if nobody here has it. */
  canHandOut(address: number): boolean {
    if (this.#facts === undefined || unfit(this.#facts, address) !== undefined) return false;
    return !this.#isBehind && this.isOwn(address) && !this.#isInDoubt(address);
  }

  /** The next address to hand out: one that was never used, else the one given back longest ago. */
  pick(): number | undefined {
    for (const { block } of this.#own) {
      for (let address = block.base; address <= lastOf(block); address++) {
        if (!this.#freed.has(address) && this.#isFree(address)) return address;
      }
    }
    for (const address of this.#freed) if (this.#isFree(address)) return address;
    return undefined;
  }

  /** Addresses in use that are not leased to this node. */
  strays(): readonly ContainerId[] {
    return [...this.#byOwner].flatMap(([owner, address]) => (this.isOwn(address) ? [] : [owner]));
  }

  /** Whether a container has an address within the block, or waits for just that one. */
  isUsedIn(block: Cidr): boolean {
    return [this.#byAddress, this.#wanted].some((addresses) => isAnyIn(addresses, block));
  }

  /** Usable addresses within a block of this node's, without those ceded to others. */
  usable(block: Cidr): number {
    if (this.#facts === undefined) return 0;
    let usable = usableIn(this.#facts, block);
    for (const address of this.#ceded) if (holds(block, address) && unfit(this.#facts, address) === undefined) usable -= 1;
    return usable;
  }

  #see(leases: readonly Lease[], version: AgreedVersion): void {
    this.#leases = leases;
    this.#seen = version;
    this.#own = leases.filter(({ node }) => node === this.self).toSorted((a, b) => a.block.base - b.block.base);
    this.#ownBases = Map.groupBy(this.#own, ({ block }) => block.prefix)
      .entries()
      .reduce(
        (bases, [prefix, own]) => bases.set(prefix, new Set(own.map(({ block }) => block.base))),
        new Map<number, ReadonlySet<number>>(),
      );
    this.#ceded = new Set(
      leases.flatMap(({ node, block }) => (node !== this.self && block.prefix === 32 && this.#isWithin(block.base) ? [block.base] : [])),
    );
    this.#capacity = 0;
    for (const { block } of this.#own) {
      this.#capacity += this.usable(block);
    }
    for (const address of this.#freed) if (!this.isOwn(address)) this.#freed.delete(address);
  }

  #isWithin(address: number): boolean {
    for (const [prefix, bases] of this.#ownBases) if (bases.has(blockAt(address, prefix).base)) return true;
    return false;
  }

  #isFree(address: number): boolean {
    return !this.#byAddress.has(address) && !this.#wanted.has(address) && this.canHandOut(address);
  }

  #isInDoubt(address: number): boolean {
    const { pending } = this;
    if (pending === undefined) return false;
    if (pending.add.some(({ node, block }) => node !== this.self && holds(block, address))) return true;
    const goes = pending.remove.some(({ node, block }) => node === this.self && holds(block, address));
    return goes && !pending.add.some(({ node, block }) => node === this.self && holds(block, address));
  }
}

/** Looks at the addresses or at the block, whichever are fewer. */
function isAnyIn(addresses: ReadonlyMap<number, unknown>, block: Cidr): boolean {
  if (addresses.size < sizeOf(block)) return addresses.keys().some((address) => holds(block, address));
  for (let address = block.base; address <= lastOf(block); address++) if (addresses.has(address)) return true;
  return false;
}
