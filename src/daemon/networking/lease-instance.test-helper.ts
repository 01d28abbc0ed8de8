import { Readable } from 'node:stream';
import { MemoryCluster } from '../../agreement/fake/memory-cluster.ts';
import { MemoryStore } from '../../agreement/fake/memory-store.ts';
import { AgreementUnavailable } from '../../agreement/port.ts';
import { AgreedStateOver } from '../../agreement/state/agreed-state.ts';
import { Copy } from '../../agreement/state/copy.ts';
import { PREFIX } from '../../agreement/state/keys.ts';
import { NodeBook } from '../../agreement/state/node-book.ts';
import type { KeptAddress } from '../../core/leases/port.ts';
import { NO_VERSION } from '../../core/model/index.ts';
import type { AgreedNetwork, MemberState, NodeId } from '../../core/model/index.ts';
import { testNodeId } from '../../core/model/network.test-helper.ts';
import { PeerUnreachable } from '../../transport/port.ts';
import { LeaseKeeper } from './lease-keeper.ts';

/** Keepers of several nodes over one agreement in memory; each reaches the others' by a call. */
export class LeaseInstance {
  readonly cluster = new MemoryCluster();
  readonly nodes: LeaseTestNode[] = [];

  static async create(size: number, networks: readonly AgreedNetwork[]): Promise<LeaseInstance> {
    const instance = new LeaseInstance();
    for (let i = 0; i < size; i++) instance.nodes.push(new LeaseTestNode(instance, i));
    for (const [i, node] of instance.nodes.entries()) await node.book.admitNode(node.id, `node-${i}`, 1);
    for (const network of networks) await instance.node(0).state.createNetwork(network);
    await instance.spread();
    for (const node of instance.nodes) node.start([]);
    return instance;
  }

  node(i: number): LeaseTestNode {
    const node = this.nodes[i];
    if (node === undefined) throw new Error(`there is no node ${i}`);
    return node;
  }

  /** Every copy that can learns the newest. */
  async spread(): Promise<void> {
    for (const node of this.nodes) await node.catchUp().catch(() => {});
  }

  close(): void {
    for (const node of this.nodes) node.keeper.close();
  }
}

export class LeaseTestNode {
  readonly id: NodeId;
  readonly name: string;
  readonly store: MemoryStore;
  readonly state: AgreedStateOver;
  readonly book: NodeBook;
  /** On its disk. */
  readonly documents = new Map<string, string>();
  keeper: LeaseKeeper;
  membership: MemberState = 'alive';
  isDeaf = false;
  isDiskFull = false;
  /** What it got agreed does not come back to its copy. */
  isBlind = false;
  /** What peers asked: `cede`, `reclaim`, `return`. */
  readonly asked: string[] = [];
  readonly #instance: LeaseInstance;
  readonly #copy: Copy;

  constructor(instance: LeaseInstance, index: number) {
    this.#instance = instance;
    this.id = testNodeId(index + 1);
    this.name = `node-${index}`;
    this.store = new MemoryStore(instance.cluster);
    this.#copy = new Copy({ store: { agreed: () => ({ version: NO_VERSION, entries: [] }), putAgreed: () => {} }, report: () => {} });
    const reach = async () => {
      if (this.isBlind) throw new AgreementUnavailable('no majority answers any more', 'no');
      await this.catchUp();
    };
    const follow = { reach, announce: async () => {} };
    this.state = new AgreedStateOver(this.store, this.#copy, follow);
    this.book = new NodeBook(this.store, this.#copy, follow);
    this.keeper = this.#newKeeper();
  }

  async catchUp(): Promise<void> {
    const { value, version } = await this.store.range(PREFIX);
    this.#copy.apply({ from: undefined, version, entries: value, removed: [] });
  }

  start(kept: readonly KeptAddress[]): void {
    this.keeper.start(kept);
  }

  /** As after a crash of the daemon: memory is gone, the disk and the copy are not. */
  restart(kept: readonly KeptAddress[]): void {
    this.keeper.close();
    this.keeper = this.#newKeeper();
    this.start(kept);
  }

  #newKeeper(): LeaseKeeper {
    return new LeaseKeeper({
      self: this.id,
      state: this.state,
      store: {
        document: (name) => {
          const body = this.documents.get(name);
          return body === undefined ? undefined : JSON.parse(body);
        },
        putDocument: (name, value) => {
          if (this.isDiskFull) throw new Error('no space left on the disk');
          this.documents.set(name, JSON.stringify(value));
        },
      },
      request: async (peer, { path, body }) => {
        const target = this.#instance.nodes.find(({ id }) => id === peer);
        if (target === undefined || target.isDeaf) throw new PeerUnreachable(peer, 'it does not answer');
        target.asked.push(path.split('/').at(-1) ?? '');
        const answer = await target.keeper.servePeer(path, this.id, (body as Buffer).toString());
        return { status: answer.status, headers: {}, body: Readable.from([Buffer.from(answer.body)]) };
      },
      log: () => {},
      nodes: () => this.#instance.nodes.map(({ id, name, membership }) => ({ id, name, state: membership })),
    });
  }
}
