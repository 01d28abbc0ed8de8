import { overlaps, sameBlock } from '../../lib/ipv4.ts';
import type { AgreedVersion, Lease, NetworkId, NodeId } from '../../core/model/index.ts';
import type { ChangeAnswer, LeaseChange, LeasesAnswer, NetworkFacts } from '../../core/leases/port.ts';

export interface AgreedLeases {
  readonly facts: NetworkFacts;
  readonly leases: readonly Lease[];
  readonly guard: number;
}

/** All that is agreed, at one version. */
export interface AgreedSnapshot extends AgreedVersion {
  /** How many there were before, of all epochs: says which of two is newer. */
  readonly serial: number;
  readonly networks: ReadonlyMap<NetworkId, AgreedLeases>;
}

export interface Commit {
  readonly network: NetworkId;
  /** undefined: an operator revoked, or removed the network. */
  readonly author: NodeId | undefined;
  readonly before: readonly Lease[];
  readonly after: readonly Lease[];
}

/** How far back a restore may go, in snapshots. */
const REMEMBERED = 200;
/** Of everything that a restore puts back. */
const FIRST_REVISION = 2;

/** What a cluster of agreement members agrees on, without the members: each change is atomic, and in order. */
export class LeaseCluster {
  #snapshot: AgreedSnapshot = { serial: 0, epoch: 1, revision: 1, networks: new Map() };
  readonly #earlier: AgreedSnapshot[] = [];
  readonly #onCommit: (commit: Commit) => void;
  /** Sabotage, to see the checkers see it: changes are taken whatever the guard. */
  readonly #ignoresGuard: boolean;

  constructor(ignoresGuard: boolean, onCommit: (commit: Commit) => void) {
    this.#ignoresGuard = ignoresGuard;
    this.#onCommit = onCommit;
  }

  get snapshot(): AgreedSnapshot {
    return this.#snapshot;
  }

  create(network: NetworkId, facts: NetworkFacts): void {
    this.#commit(network, { facts, leases: [], guard: 0 }, [], undefined);
  }

  read(network: NetworkId): Exclude<LeasesAnswer, 'unavailable'> {
    const { leases, guard } = this.#snapshot.networks.get(network) ?? { leases: [], guard: 0 };
    return { leases, guard, epoch: this.#snapshot.epoch };
  }

  change(
    author: NodeId,
    network: NetworkId,
    guard: number,
    { add, remove }: LeaseChange,
  ): Exclude<ChangeAnswer, 'unavailable' | 'unknown'> {
    const agreed = this.#snapshot.networks.get(network);
    if (agreed === undefined) return 'no-network';
    if (agreed.guard !== guard && !this.#ignoresGuard) return 'moved';
    const gone = [...remove, ...add];
    const after = [...agreed.leases.filter(({ block }) => !gone.some((each) => sameBlock(each.block, block))), ...add];
    this.#commit(network, agreed, after, author);
    return 'done';
  }

  /** Returns the serial of the snapshot in which they ended. */
  revoke(node: NodeId): number {
    for (const [network, agreed] of this.#snapshot.networks) {
      const after = agreed.leases.filter((lease) => lease.node !== node);
      if (after.length < agreed.leases.length) this.#commit(network, agreed, after, undefined);
    }
    return this.#snapshot.serial;
  }

  /** As `agreement restore` does: what was agreed a while ago, in another epoch, its revisions counted anew. Returns the snapshot's serial. */
  restore(back: number): number {
    const { networks } = this.#earlier.at(-1 - back) ?? this.#snapshot;
    const anew = [...networks].map(([network, agreed]) => [network, { ...agreed, guard: FIRST_REVISION }] as const);
    this.#move({ epoch: this.#snapshot.epoch + 1, revision: FIRST_REVISION, networks: new Map(anew) });
    return this.#snapshot.serial;
  }

  /** Only one that nobody has a lease of. */
  remove(network: NetworkId): boolean {
    const agreed = this.#snapshot.networks.get(network);
    if (agreed === undefined || agreed.leases.length > 0) return false;
    const networks = new Map(this.#snapshot.networks);
    networks.delete(network);
    this.#move({ ...this.#snapshot, revision: this.#snapshot.revision + 1, networks });
    this.#onCommit({ network, author: undefined, before: [], after: [] });
    return true;
  }

  #commit(network: NetworkId, agreed: AgreedLeases, after: readonly Lease[], author: NodeId | undefined): void {
    this.#put(network, { facts: agreed.facts, leases: after, guard: this.#snapshot.revision + 1 });
    this.#onCommit({ network, author, before: agreed.leases, after });
  }

  #put(network: NetworkId, agreed: AgreedLeases): void {
    const networks = new Map(this.#snapshot.networks).set(network, agreed);
    this.#move({ ...this.#snapshot, revision: this.#snapshot.revision + 1, networks });
  }

  #move(next: Omit<AgreedSnapshot, 'serial'>): void {
    this.#earlier.push(this.#snapshot);
    if (this.#earlier.length > REMEMBERED) this.#earlier.shift();
    this.#snapshot = { ...next, serial: this.#snapshot.serial + 1 };
  }
}

/** Whose an address is by the leases of its network: a single address beats the block around it. */
export function ownerOf(leases: readonly Lease[], address: number): NodeId | undefined {
  const single = { base: address, prefix: 32 };
  const around = leases.filter(({ block }) => overlaps(block, single));
  return (around.find(({ block }) => block.prefix === 32) ?? around[0])?.node;
}
