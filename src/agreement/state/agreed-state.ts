import type { AgreedNetwork, AgreedNode, AgreedVersion, Lease, NetworkId, NodeId } from '../../core/model/index.ts';
import { LIMITS } from '../../core/model/index.ts';
import { overlaps } from '../../lib/ipv4.ts';
import { type Condition, type Entry, type StoreAccess, type Transaction, type Write } from '../port.ts';
import type { Copy } from './copy.ts';
import { contended, factsOf, type Follow, LEASES_PER_CHANGE, put, reached, TRIES } from './deciding.ts';
import type { AgreedVolume } from './fact.ts';
import { KEYS } from './keys.ts';
import { NodeBook } from './node-book.ts';
import type { AgreedChange, AgreedState, LeasesRead, NetworkCreated, NodeChanges } from './port.ts';
import { VolumeBook } from './volume-book.ts';

/**
 * What is agreed: read from this node's copy, changed by transactions. What a decision rests on is a condition
 * of its transaction, mostly a guard's revision; so it may be taken by the copy, and is taken again by a
 * linearizable read where the copy was behind.
 */
export class AgreedStateOver implements AgreedState, NodeChanges {
  readonly #store: StoreAccess;
  readonly #copy: Copy;
  readonly #follow: Follow;
  readonly #nodes: NodeBook;
  readonly #volumes: VolumeBook;
  /** As read last: a guard says something within its epoch only. */
  readonly #guards = new Map<NetworkId, { readonly guard: number; readonly epoch: number }>();

  constructor(store: StoreAccess, copy: Copy, follow: Follow) {
    this.#store = store;
    this.#copy = copy;
    this.#follow = follow;
    this.#volumes = new VolumeBook(store, copy, follow);
    this.#nodes = new NodeBook(store, copy, follow, this.#volumes);
  }

  version(): AgreedVersion {
    return this.#copy.version;
  }

  networks(): readonly AgreedNetwork[] {
    return [...this.#copy.views.networks.values()];
  }

  network(id: NetworkId): AgreedNetwork | undefined {
    return this.#copy.views.networks.get(id);
  }

  leases(network: NetworkId): readonly Lease[] {
    return this.#copy.views.leases(network);
  }

  leasesOf(node: NodeId): readonly Lease[] {
    return this.#copy.views.leasesOf(node);
  }

  nodes(): readonly AgreedNode[] {
    return [...this.#copy.views.nodes.values()];
  }

  node(id: NodeId): AgreedNode | undefined {
    return this.#copy.views.nodes.get(id);
  }

  volumes(): readonly AgreedVolume[] {
    return this.#volumes.all();
  }

  volume(name: string): AgreedVolume | undefined {
    return this.#volumes.get(name);
  }

  onChange(listener: (change: AgreedChange) => void): () => void {
    return this.#copy.onChange(listener);
  }

  async createNetwork(network: AgreedNetwork): Promise<NetworkCreated> {
    let known: NetworksRead | undefined = {
      version: this.version(),
      networks: this.networks(),
      guard: this.#copy.entry(KEYS.networksGuard)?.modRevision ?? 0,
    };
    for (let tries = 0; tries < TRIES; tries++) {
      const isFresh: boolean = known === undefined;
      const { networks, guard, version } = known ?? (await this.#readNetworks());
      known = undefined;
      if (networks.some((each) => each.id === network.id)) {
        await this.#follow.reach((await this.#store.get(KEYS.networksGuard)).version);
        return { ok: true };
      }
      const clash = clashOf(network, networks);
      // The copy may show what is gone by now; only a fresh reading refuses.
      if (clash !== undefined && !isFresh) continue;
      if (clash !== undefined) {
        // Who is refused looks at the other in the copy next.
        await this.#follow.reach(version);
        return clash;
      }
      if (networks.length >= LIMITS.networks)
        throw new Error(`there are ${LIMITS.networks} networks already, the most there may be: remove some`);
      if (await this.#commit({ ...creation(network, guard), epoch: version.epoch })) return { ok: true };
    }
    throw contended('networks');
  }

  async removeNetwork(id: NetworkId): Promise<'removed' | 'absent' | { readonly leased: readonly NodeId[] }> {
    for (let tries = 0; tries < TRIES; tries++) {
      const { value: found } = await this.#store.get(KEYS.network(id));
      if (found === undefined) return 'absent';
      const { leases, guard, epoch } = await this.readLeases(id);
      if (leases.length > 0) return { leased: [...new Set(leases.map((lease) => lease.node))] };
      const removed = await this.#commit({
        when: [
          { key: KEYS.network(id), is: 'at', modRevision: found.modRevision },
          { key: KEYS.leasesGuard(id), is: 'at', modRevision: guard },
        ],
        then: removal(id, found),
        epoch,
      });
      if (removed) return 'removed';
    }
    throw contended('leases of the network');
  }

  async readLeases(network: NetworkId): Promise<LeasesRead> {
    const { value: entries, version } = await this.#store.range(KEYS.leases(network));
    const guard = entries.find((entry) => entry.key === KEYS.leasesGuard(network))?.modRevision ?? 0;
    this.#guards.set(network, { guard, epoch: version.epoch });
    return { leases: factsOf(entries, 'lease').map((fact) => fact.lease), guard, epoch: version.epoch };
  }

  async changeLeases(
    network: NetworkId,
    guard: number,
    { add, remove }: { readonly add: readonly Lease[]; readonly remove: readonly Lease[] },
  ): Promise<'done' | 'moved' | 'no-network'> {
    if (add.length + remove.length > LEASES_PER_CHANGE) {
      throw new RangeError(`at most ${LEASES_PER_CHANGE} leases change together, not ${add.length} and ${remove.length}`);
    }
    const takers = [...new Set(add.map((lease) => lease.node))];
    const read = this.#guards.get(network);
    this.#guards.delete(network);
    const transaction: Transaction = {
      when: [
        { key: KEYS.leasesGuard(network), is: 'at', modRevision: guard },
        { key: KEYS.network(network), is: 'present' },
        // Nothing is given to a node that was removed meanwhile: its leases would outlive it.
        ...takers.map((node): Condition => ({ key: KEYS.nodeIn(node), is: 'present' })),
      ],
      then: [put({ kind: 'leases-guard', network }), ...leaseWrites(add, remove)],
      ...(read?.guard === guard && { epoch: read.epoch }),
    };
    const outcome = await this.#store.transact(transaction);
    if (outcome.committed) {
      await reached(this.#follow, outcome.version);
      await this.#follow.announce(network);
      return 'done';
    }
    const there = new Set(outcome.found.map((entry) => entry.key));
    if (!there.has(KEYS.network(network))) return 'no-network';
    const gone = takers.find((node) => !there.has(KEYS.nodeIn(node)));
    if (gone !== undefined) throw new Error(`node ${gone.slice(0, 12)} is not in the instance any more: it gets no addresses`);
    return 'moved';
  }

  claimVolume(name: string, node: NodeId, nowMs: number): Promise<AgreedVolume> {
    return this.#volumes.claim(name, node, nowMs);
  }

  releaseVolume(name: string, node: NodeId): Promise<void> {
    return this.#volumes.release(name, node);
  }

  admitNode(id: NodeId, wantedName: string, nowMs: number): Promise<AgreedNode> {
    return this.#nodes.admitNode(id, wantedName, nowMs);
  }

  endNode(id: NodeId, state: 'left' | 'removed', nowMs: number): Promise<AgreedNode | undefined> {
    return this.#nodes.endNode(id, state, nowMs);
  }

  returnHoldings(id: NodeId): Promise<void> {
    return this.#nodes.returnHoldings(id);
  }

  endLeases(id: NodeId, isStillAway: () => boolean): Promise<void> {
    return this.#nodes.endLeases(id, isStillAway);
  }

  async #readNetworks(): Promise<NetworksRead> {
    const { value: entries, version } = await this.#store.range(KEYS.networks);
    return {
      version,
      networks: factsOf(entries, 'network').map((fact) => fact.network),
      guard: entries.find((entry) => entry.key === KEYS.networksGuard)?.modRevision ?? 0,
    };
  }

  async #commit(transaction: Transaction): Promise<boolean> {
    const outcome = await this.#store.transact(transaction);
    if (outcome.committed) await reached(this.#follow, outcome.version);
    return outcome.committed;
  }
}

interface NetworksRead {
  readonly version: AgreedVersion;
  readonly networks: readonly AgreedNetwork[];
  readonly guard: number;
}

function clashOf(network: AgreedNetwork, others: readonly AgreedNetwork[]): Extract<NetworkCreated, { ok: false }> | undefined {
  const clashes = {
    name: (other: AgreedNetwork) => other.name === network.name,
    subnet: (other: AgreedNetwork) => overlaps(other.subnet, network.subnet),
    vni: (other: AgreedNetwork) => other.vni === network.vni,
  };
  for (const clash of ['name', 'subnet', 'vni'] as const) {
    const other = others.find(clashes[clash]);
    if (other !== undefined) return { ok: false, clash, with: other };
  }
  return undefined;
}

function creation(network: AgreedNetwork, guard: number): Transaction {
  const { id, name, vni } = network;
  return {
    when: [
      { key: KEYS.networksGuard, is: 'at', modRevision: guard },
      { key: KEYS.network(id), is: 'absent' },
      { key: KEYS.networkName(name), is: 'absent' },
      { key: KEYS.networkVni(vni), is: 'absent' },
    ],
    then: [
      put({ kind: 'networks-guard' }),
      put({ kind: 'network', network }),
      put({ kind: 'network-name', name, network: id }),
      put({ kind: 'network-vni', vni, network: id }),
      put({ kind: 'leases-guard', network: id }),
    ],
  };
}

function removal(id: NetworkId, found: Entry): readonly Write[] {
  const [fact] = factsOf([found], 'network');
  return [
    put({ kind: 'networks-guard' }),
    { remove: KEYS.network(id) },
    { remove: KEYS.leasesGuard(id) },
    ...(fact === undefined ? [] : [{ remove: KEYS.networkName(fact.network.name) }, { remove: KEYS.networkVni(fact.network.vni) }]),
  ];
}

/** A block that goes from one node to another is written once. */
function leaseWrites(add: readonly Lease[], remove: readonly Lease[]): readonly Write[] {
  const added = new Set(add.map((lease) => KEYS.lease(lease.network, lease.block)));
  return [
    ...add.map((lease) => put({ kind: 'lease', lease })),
    ...remove.map((lease) => KEYS.lease(lease.network, lease.block)).flatMap((key) => (added.has(key) ? [] : [{ remove: key }])),
  ];
}
