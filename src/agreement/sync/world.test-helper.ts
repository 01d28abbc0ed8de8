import { NO_VERSION, type NodeId } from '../../core/model/index.ts';
import type { Prng } from '../../lib/prng.ts';
import { MemoryCluster } from '../fake/memory-cluster.ts';
import { MemoryStore } from '../fake/memory-store.ts';
import { AgreedStateOver } from '../state/agreed-state.ts';
import { Copy } from '../state/copy.ts';
import { NodeBook } from '../state/node-book.ts';
import { followStore } from './follow-store.ts';
import { ForwardedStore } from './forwarded-store.ts';
import { type Asked, STORE_PATH, type SyncHost } from './port.ts';
import { serveStore } from './serve-store.ts';
import { StoreRouter } from './store-router.ts';
import { Sync } from './sync.ts';

/** Several nodes in one process that follow one agreed state, over a network that loses what it is told to, in virtual time. */
export class World {
  readonly cluster = new MemoryCluster();
  readonly nodes: WorldNode[] = [];
  readonly random: Prng;
  /** Share of requests that are lost, and of answers. */
  loss = 0;
  nowMs = 0;
  pushes = 0;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  constructor(random: Prng, size: number, members: number) {
    this.random = random;
    for (let i = 0; i < size; i++) this.nodes.push(new WorldNode(this, i, i < members));
    for (const node of this.nodes) node.start();
  }

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.nowMs + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** Lets so much time pass. */
  async run(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      await settled();
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      this.nowMs = next.atMs;
      this.#timers = this.#timers.filter((each) => each !== next);
      next.run();
    }
    this.nowMs = endMs;
  }

  /** As gossip does: everybody hears everybody's version. */
  gossip(): void {
    for (const node of this.nodes)
      for (const other of this.nodes) if (other !== node && other.isUp) node.sync.newer(other.id, other.copy.version);
  }

  close(): void {
    for (const node of this.nodes) node.close();
  }
}

export class WorldNode {
  readonly id: NodeId;
  readonly isMember: boolean;
  readonly copy: Copy;
  readonly store: MemoryStore;
  readonly forwarded: ForwardedStore;
  readonly sync: Sync;
  readonly state: AgreedStateOver;
  readonly book: NodeBook;
  isUp = true;
  readonly #world: World;
  readonly #closed = new AbortController();

  constructor(world: World, index: number, isMember: boolean) {
    this.#world = world;
    this.id = index.toString(16).padStart(32, '0') as NodeId;
    this.isMember = isMember;
    this.store = new MemoryStore(world.cluster);
    this.copy = new Copy({ store: { agreed: () => ({ version: NO_VERSION, entries: [] }), putAgreed: () => {} }, report: () => {} });
    const members = () => world.nodes.filter((node) => node.isMember).map((node) => node.id);
    const host: SyncHost = {
      self: this.id,
      copy: this.copy,
      peers: () => world.nodes.filter((node) => node !== this && node.isUp).map((node) => node.id),
      members,
      ask: (peer, path, body) => this.#ask(peer, path, body),
      after: (ms, run) => world.after(ms, run),
      random: () => world.random.float(),
      log: () => {},
    };
    this.forwarded = new ForwardedStore({
      self: this.id,
      members,
      version: () => this.copy.version,
      onUpdate: (update) => this.copy.apply(update),
      ask: (peer, path, body) => this.#ask(peer, path, body),
      nowMs: () => world.nowMs,
    });
    const router = new StoreRouter({
      local: () => (isMember ? this.store : undefined),
      forwarded: this.forwarded,
      explain: () => 'No majority',
      nowMs: () => world.nowMs,
    });
    this.sync = new Sync(host, router);
    this.state = new AgreedStateOver(router, this.copy, this.sync);
    this.book = new NodeBook(router, this.copy, this.sync);
  }

  start(): void {
    const host = { copy: this.copy, after: (ms: number, run: () => void) => this.#world.after(ms, run), log: () => {} };
    if (this.isMember) followStore(this.store, host, this.#closed.signal);
  }

  close(): void {
    this.#closed.abort();
    this.sync.close();
  }

  async #ask(peer: NodeId, path: string, body: Buffer): Promise<Asked> {
    const world = this.#world;
    const target = world.nodes.find((node) => node.id === peer);
    if (path.endsWith('push')) world.pushes += 1;
    const isLost = () => world.random.float() < world.loss;
    if (target === undefined || !this.isUp || !target.isUp || isLost()) throw new Error('no answer');
    const answer = path === STORE_PATH ? await serveStore(this.id, body, target.#server()) : await target.sync.serve(this.id, path, body);
    if (isLost() || !target.isUp) throw new Error('the answer was lost');
    return answer;
  }

  #server() {
    return {
      store: () => (this.isMember ? this.store : undefined),
      copy: this.copy,
      waitUntil: (version: Parameters<Sync['waitUntil']>[0], ms: number) => this.sync.waitUntil(version, ms),
    };
  }
}

/** What needs no time has happened. */
async function settled(): Promise<void> {
  for (let round = 0; round < 20; round++) await new Promise((resolve) => setImmediate(resolve));
}
