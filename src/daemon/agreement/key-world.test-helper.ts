import { MemoryCluster } from '../../agreement/fake/memory-cluster.ts';
import { MemoryStore } from '../../agreement/fake/memory-store.ts';
import { encodeFact } from '../../agreement/state/codec.ts';
import { Copy } from '../../agreement/state/copy.ts';
import type { Fact } from '../../agreement/state/fact.ts';
import { PREFIX } from '../../agreement/state/keys.ts';
import { type NodeId, NO_VERSION } from '../../core/model/index.ts';
import { CA_KEY_PATH, KeyKeepers } from './key-keepers.ts';

export const PEM = 'the key';
export const idOf = (n: number): NodeId => n.toString(16).padStart(32, '0') as NodeId;

/** Nodes that follow one agreement; each sees what it is shown of it, and no more. */
export class KeyWorld {
  readonly cluster = new MemoryCluster();
  readonly nodes: Keeper[];

  /** The first node made the instance: it has the key, and is the only member. */
  constructor(size: number) {
    this.nodes = Array.from({ length: size }, (_, n) => new Keeper(this, n));
    for (const { id } of this.nodes) {
      this.agree({ kind: 'node', node: { id, name: `node-${id.slice(-2)}`, number: 1, state: 'in', sinceMs: 1 } });
    }
    this.setMembers([this.nodes[0]!]);
    for (const node of this.nodes) node.catchUp();
  }

  agree(fact: Fact): void {
    const { key, value } = encodeFact(fact);
    this.cluster.apply({ when: [], then: [{ put: key, value }] });
  }

  /** As the engine does: whoever becomes one gets the key first. */
  setMembers(members: readonly Keeper[]): void {
    for (const node of this.nodes) node.isMember = members.includes(node);
    for (const node of members) node.key = PEM;
    this.agree({ kind: 'members', members: members.map(({ id }) => id) });
  }

  holders(): readonly Keeper[] {
    return this.nodes.filter(({ key }) => key !== undefined);
  }

  /** Everybody sees everything, and does a round, so many times. */
  async settle(rounds = 4): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      for (const node of this.nodes.filter(({ isUp }) => isUp)) {
        node.catchUp();
        await node.round();
      }
    }
    for (const node of this.nodes) node.catchUp();
  }
}

export class Keeper {
  readonly id: NodeId;
  readonly copy: Copy;
  readonly store: MemoryStore;
  readonly keepers: KeyKeepers;
  key: string | undefined;
  isUp = true;
  isMember = false;
  hasEtcd = true;
  /** How often somebody came with the key. */
  asked = 0;
  readonly #cluster: MemoryCluster;

  constructor(world: KeyWorld, n: number) {
    this.id = idOf(n);
    this.#cluster = world.cluster;
    this.store = new MemoryStore(world.cluster);
    this.copy = new Copy({ store: { agreed: () => ({ version: NO_VERSION, entries: [] }), putAgreed: () => {} }, report: () => {} });
    this.keepers = new KeyKeepers({
      self: this.id,
      copy: this.copy,
      caKey: this.#caKey(),
      store: this.store,
      neighbours: {
        alive: () => world.nodes.flatMap((node) => (node.isUp && node !== this ? [node.id] : [])),
        nameOf: (id) => id,
      },
      isCandidate: () => this.hasEtcd,
      isMember: () => this.isMember,
      ask: async (peer, path, body) => {
        const target = world.nodes.find(({ id }) => id === peer);
        if (target === undefined || !target.isUp || path !== CA_KEY_PATH) throw new Error('no answer');
        target.asked += 1;
        return target.keepers.take(this.id, body);
      },
      log: () => {},
    });
  }

  catchUp(): void {
    const { version } = this.#cluster;
    this.copy.apply({ from: undefined, version, entries: this.#cluster.list(PREFIX), removed: [] });
  }

  /** What can't be agreed on now is tried again later. */
  round(): Promise<boolean> {
    return this.keepers.round().catch(() => false);
  }

  #caKey() {
    const isHere = () => this.key !== undefined;
    return {
      get isHere() {
        return isHere();
      },
      authority: () => ({ certificatePem: '', privateKeyPem: this.key! }),
      take: (pem: string) => {
        if (pem !== PEM) throw new Error('the key that was handed over is not that of this instance');
        this.key = pem;
      },
      drop: () => void (this.key = undefined),
    };
  }
}

export const numbers = (nodes: readonly Keeper[]): readonly number[] => nodes.map(({ id }) => Number.parseInt(id, 16));
