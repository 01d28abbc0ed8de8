import { describe, expect, it } from 'vitest';
import { MemoryCluster } from '../../agreement/fake/memory-cluster.ts';
import { MemoryStore } from '../../agreement/fake/memory-store.ts';
import { Copy } from '../../agreement/state/copy.ts';
import { encodeFact } from '../../agreement/state/codec.ts';
import type { Fact } from '../../agreement/state/fact.ts';
import { KEYS, PREFIX } from '../../agreement/state/keys.ts';
import { NodeBook } from '../../agreement/state/node-book.ts';
import { instanceId, NO_VERSION, type NodeId } from '../../core/model/index.ts';
import { testNodeId } from '../../core/model/network.test-helper.ts';
import { Prng } from '../../lib/prng.ts';
import { Opener } from '../../transport/datagram/opener.ts';
import { Sealer } from '../../transport/datagram/sealer.ts';
import { checkGossipKeys, createGossipKeys, type GossipKeys } from '../../transport/trust/gossip-keys.ts';
import { GossipRing } from './gossip-ring.ts';
import { KeyRotation, PHASE_MS } from './key-rotation.ts';
import { testSeed } from '../../../test/seed.ts';

const INSTANCE = instanceId('c'.repeat(32));
const HELLO = Buffer.from('hello');

/** Nodes of one instance, made with the same key; each sees what it is shown of what is agreed. */
class World {
  readonly cluster = new MemoryCluster();
  readonly first = createGossipKeys();
  readonly nodes: Rotating[];
  nowMs = 0;

  constructor(size: number) {
    this.nodes = Array.from({ length: size }, (_, n) => new Rotating(this, testNodeId(n + 1)));
    for (const { id } of this.nodes) this.agree({ kind: 'node', node: { id, name: id.slice(-2), number: 1, state: 'in', sinceMs: 1 } });
    this.show();
  }

  agree(fact: Fact): void {
    const { key, value } = encodeFact(fact);
    this.cluster.apply({ when: [], then: [{ put: key, value }] });
  }

  show(): void {
    for (const node of this.nodes) if (node.isUp) node.catchUp();
  }

  at(n: number): Rotating {
    return this.nodes[n]!;
  }
}

class Rotating {
  readonly id: NodeId;
  readonly copy = new Copy({ store: { agreed: () => ({ version: NO_VERSION, entries: [] }), putAgreed: () => {} }, report: () => {} });
  readonly store: MemoryStore;
  readonly book: NodeBook;
  readonly ring: GossipRing;
  readonly rotation: KeyRotation;
  readonly written: unknown[] = [];
  isUp = true;
  readonly #world: World;
  readonly #sealer: Sealer;
  readonly #opener: Opener;

  constructor(world: World, id: NodeId) {
    this.#world = world;
    this.id = id;
    this.store = new MemoryStore(world.cluster);
    this.book = new NodeBook(this.store, this.copy, { reach: async () => this.catchUp(), announce: async () => {} });
    this.#sealer = new Sealer(INSTANCE, id, world.first);
    this.#opener = new Opener(INSTANCE, id, world.first);
    const onKeys = (keys: GossipKeys): void => {
      this.#opener.updateKeys(keys);
      this.#sealer.updateKeys(keys);
    };
    const disk = { putDocument: (_name: string, keys: unknown) => void this.written.push(keys) };
    this.ring = new GossipRing({ copy: this.copy, disk, kept: world.first, onKeys, log: () => {} });
    const reachAll = async (): Promise<boolean> => {
      world.show();
      return world.nodes.every(({ isUp }) => isUp);
    };
    const { copy, store, ring } = this;
    this.rotation = new KeyRotation({ self: id, copy, store, sync: { reachAll }, ring, nowMs: () => world.nowMs, log: () => {} });
  }

  catchUp(): void {
    const { version } = this.#world.cluster;
    this.copy.apply({ from: undefined, version, entries: this.#world.cluster.list(PREFIX), removed: [] });
  }

  /** What can't be agreed on now is tried again later. */
  async round(): Promise<void> {
    this.catchUp();
    await this.rotation.round().catch(() => {});
  }

  seal = (): Buffer => this.#sealer.seal(HELLO);
  opens = (packet: Buffer): boolean => this.#opener.open(packet).ok;
  understands = (other: Rotating): boolean => this.opens(other.seal()) && other.opens(this.seal());
}

const shape = ({ ring }: Rotating): readonly number[] => [ring.keys.use, ...ring.keys.keys.map(({ id }) => id)];

describe('a node is removed', () => {
  it('and those that are left come to another key, which they understand each other by at each step', async () => {
    const world = new World(3);
    const [a, b, removed] = world.nodes as [Rotating, Rotating, Rotating];
    await a.book.endNode(removed.id, 'removed', 2);
    removed.isUp = false;
    world.nodes.pop();
    const shapes = [];
    for (let round = 0; round < 4; round++) {
      // Each step is taken before the other has heard of it.
      await a.round();
      expect(a.understands(b)).toBe(true);
      world.show();
      expect(a.understands(b)).toBe(true);
      shapes.push(shape(b));
    }
    expect(shapes).toEqual([
      [0, 0, 1],
      [1, 0, 1],
      [1, 1],
      [1, 1],
    ]);
    expect([a.opens(removed.seal()), removed.opens(a.seal())]).toEqual([false, false]);
    expect([checkGossipKeys(b.written.at(-1)), a.rotation.isUnderWay]).toEqual([b.ring.keys, false]);
  });

  it('twice, and by two at once, is one rotation; another one’s removal is another', async () => {
    const world = new World(4);
    const a = world.at(0);
    const [last, third] = [world.nodes.pop()!, world.nodes.pop()!];
    await Promise.all([a.book.endNode(last.id, 'removed', 2), world.at(1).book.endNode(last.id, 'removed', 2)]);
    for (let round = 0; round < 8; round++) await Promise.all(world.nodes.map((node) => node.round()));
    await a.book.endNode(last.id, 'removed', 3);
    world.show();
    expect([shape(a), a.rotation.isUnderWay]).toEqual([[1, 1], false]);
    await a.book.endNode(third.id, 'removed', 4);
    for (let round = 0; round < 8; round++) await a.round();
    expect(shape(a)).toEqual([2, 2]);
  });

  it('that takes part in agreement, and goes on being sent what is agreed: not before it is out', async () => {
    const world = new World(3);
    const [a, , removed] = world.nodes as [Rotating, Rotating, Rotating];
    const members = (nodes: readonly Rotating[]): void => world.agree({ kind: 'members', members: nodes.map(({ id }) => id) });
    members(world.nodes);
    await a.book.endNode(removed.id, 'removed', 2);
    await a.round();
    await removed.round();
    expect([shape(a), a.rotation.isUnderWay]).toEqual([[0, 0], true]);
    members(world.nodes.slice(0, 2));
    await removed.round();
    expect(world.cluster.read(KEYS.gossipKeys)).toBeUndefined();
    await a.round();
    world.at(1).catchUp();
    expect(shape(world.at(1))).toEqual([0, 0, 1]);
  });

  it('and whoever began is dead: another goes on, and comes to the end without those that do not answer, later', async () => {
    const world = new World(3);
    const [a, b, c] = world.nodes as [Rotating, Rotating, Rotating];
    world.agree({ kind: 'gossip-keys-due' });
    await a.round();
    a.isUp = false;
    world.show();
    await b.round();
    world.nowMs += PHASE_MS - 1;
    await b.round();
    expect(shape(c)).toEqual([0, 0, 1]);
    world.nowMs += 1;
    await b.round();
    await b.round();
    world.nowMs += PHASE_MS;
    await b.round();
    world.show();
    expect(shape(c)).toEqual([1, 1]);
    expect(a.understands(b)).toBe(false);
    a.isUp = true;
    world.show();
    expect([a.understands(b), a.understands(c)]).toEqual([true, true]);
  });
});

it('keys come to an end wherever answers are lost and majorities go, and no two that have heard the same misunderstand', async () => {
  const seed = testSeed();
  for (let run = 0; run < 40; run++) {
    const random = new Prng(seed + run);
    const where = `seed ${seed + run}`;
    const world = new World(4);
    for (let step = 0; step < 60; step++) {
      const node = random.pick(world.nodes)!;
      const happenings: readonly (() => unknown)[] = [
        () => node.round(),
        () => node.round(),
        () => node.rotation.round().catch(() => {}),
        () => node.store.loseAnswers(1),
        () => (random.chance(0.5) ? node.store.cut() : node.store.heal()),
        () => (node.isUp = !node.isUp),
        () => (world.nowMs += random.int(2 * PHASE_MS)),
        () => random.chance(0.2) && world.agree({ kind: 'gossip-keys-due' }),
      ];
      await random.pick(happenings)!();
      world.show();
      const up = world.nodes.filter(({ isUp }) => isUp);
      for (const one of up) for (const other of up) if (one !== other) expect(one.understands(other), where).toBe(true);
    }
    for (const node of world.nodes) {
      node.isUp = true;
      node.store.heal();
      node.store.loseAnswers(0);
    }
    for (let round = 0; round < 8; round++) await world.at(0).round();
    world.show();
    expect(new Set(world.nodes.map((node) => JSON.stringify(node.ring.keys))).size, where).toBe(1);
    expect(world.at(0).rotation.isUnderWay, where).toBe(false);
    expect(world.at(0).ring.keys.keys, where).toHaveLength(1);
  }
});
