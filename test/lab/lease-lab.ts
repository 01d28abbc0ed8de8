import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { AgreementUnavailable, type StoreAccess } from '../../src/agreement/port.ts';
import { AgreedStateOver } from '../../src/agreement/state/agreed-state.ts';
import { Copy } from '../../src/agreement/state/copy.ts';
import { PREFIX } from '../../src/agreement/state/keys.ts';
import { NodeBook } from '../../src/agreement/state/node-book.ts';
import { followStore } from '../../src/agreement/sync/follow-store.ts';
import { type AgreedVersion, newerVersion, NO_VERSION } from '../../src/core/model/index.ts';
import type { KeptAddress } from '../../src/core/leases/port.ts';
import { LeaseKeeper } from '../../src/daemon/networking/lease-keeper.ts';
import { testNetwork } from '../../src/core/model/network.test-helper.ts';
import { PeerUnreachable } from '../../src/transport/port.ts';
import { AgreementLab, type AgreementNode, QUICK } from './agreement-lab.ts';
import { Lab } from './lab.ts';
import { until } from './shell.ts';

/** Keepers of leases over real agreement members, each member in a network namespace of its own. */
export class LeaseLab {
  readonly #lab: Lab;
  readonly agreement: AgreementLab;
  readonly nodes: readonly LeaseLabNode[];
  readonly #ended = new AbortController();

  private constructor(lab: Lab, agreement: AgreementLab) {
    this.#lab = lab;
    this.agreement = agreement;
    this.nodes = agreement.nodes.map((node) => new LeaseLabNode(this, node));
  }

  /** Up, with an agreement of as many members as nodes, and these networks. */
  static async up(size: number, subnets: readonly string[]): Promise<LeaseLab> {
    const name = `lse${randomBytes(2).toString('hex')}`;
    const lab = new Lab({ name, hosts: size, dir: join('/tmp', name) });
    await lab.up();
    const agreement = await AgreementLab.create({
      dir: join(lab.dir, 'agreement'),
      nodes: size,
      tuning: { ...QUICK, replaceAfterMs: 600_000 },
      ipOf: (n) => lab.host(n + 1).ip,
      etcdCommandOf: (n) => ['nsenter', `--net=/run/netns/${lab.host(n + 1).netns}`, 'etcd'],
    });
    const leaseLab = new LeaseLab(lab, agreement);
    try {
      await agreement.up(size);
      const [first] = leaseLab.nodes;
      for (const [i, node] of leaseLab.nodes.entries()) await first?.book.admitNode(node.agreement.id, `node-${i}`, 1);
      for (const [i, subnet] of subnets.entries()) await first?.state.createNetwork(testNetwork(i + 1, subnet));
      for (const node of leaseLab.nodes) node.follow(leaseLab.#ended.signal);
      await until('copies', async () => leaseLab.nodes.every(({ state }) => state.networks().length === subnets.length));
      for (const node of leaseLab.nodes) node.keeper.start([]);
      return leaseLab;
    } catch (error) {
      await leaseLab.down();
      throw error;
    }
  }

  async cut(node: LeaseLabNode): Promise<void> {
    node.isCut = true;
    await this.#lab.cable(this.#lab.host(node.agreement.n + 1), false);
  }

  async heal(node: LeaseLabNode): Promise<void> {
    await this.#lab.cable(this.#lab.host(node.agreement.n + 1), true);
    node.isCut = false;
  }

  async down(): Promise<void> {
    this.#ended.abort();
    for (const { keeper } of this.nodes) keeper.close();
    await this.agreement.down();
    await this.#lab.down();
  }
}

export class LeaseLabNode {
  readonly agreement: AgreementNode;
  readonly state: AgreedStateOver;
  readonly book: NodeBook;
  keeper: LeaseKeeper;
  isCut = false;
  readonly #lab: LeaseLab;
  readonly #copy: Copy;
  readonly #store: StoreAccess;
  readonly #documents = new Map<string, string>();

  constructor(lab: LeaseLab, agreement: AgreementNode) {
    this.#lab = lab;
    this.agreement = agreement;
    this.#copy = new Copy({ store: { agreed: () => ({ version: NO_VERSION, entries: [] }), putAgreed: () => {} }, report: () => {} });
    const member = (): StoreAccess => {
      if (agreement.host.store === undefined) throw new AgreementUnavailable('this node runs no member just now', 'no');
      return agreement.host.store;
    };
    this.#store = {
      get: async (key) => member().get(key),
      range: async (prefix) => member().range(prefix),
      transact: async (transaction) => member().transact(transaction),
    };
    const follow = { reach: (version: AgreedVersion) => this.#reach(version), announce: async () => {} };
    this.state = new AgreedStateOver(this.#store, this.#copy, follow);
    this.book = new NodeBook(this.#store, this.#copy, follow);
    this.keeper = this.#newKeeper();
  }

  /** Its copy follows its member by a watch. */
  follow(signal: AbortSignal): void {
    const after = (ms: number, run: () => void) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    };
    followStore(this.agreement.store, { copy: this.#copy, after, log: () => {} }, signal);
  }

  /** The daemon dies and comes back; `kept` has what its containers have. What it asked for may still happen. */
  restart(kept: readonly KeptAddress[]): void {
    this.keeper.close();
    this.keeper = this.#newKeeper();
    this.keeper.start(kept);
  }

  async #reach(version: AgreedVersion): Promise<void> {
    if (!newerVersion(version, this.#copy.version)) return;
    const { value, version: read } = await this.#store.range(PREFIX);
    this.#copy.apply({ from: undefined, version: read, entries: value, removed: [] });
  }

  #newKeeper(): LeaseKeeper {
    return new LeaseKeeper({
      self: this.agreement.id,
      state: this.state,
      store: {
        document: (name) => {
          const body = this.#documents.get(name);
          return body === undefined ? undefined : JSON.parse(body);
        },
        putDocument: (name, value) => void this.#documents.set(name, JSON.stringify(value)),
      },
      request: async (peer, { path, body }) => {
        const target = this.#lab.nodes.find(({ agreement }) => agreement.id === peer);
        if (target === undefined || target.isCut || this.isCut) throw new PeerUnreachable(peer, 'the cable is out');
        const { status, body: said } = await target.keeper.servePeer(path, this.agreement.id, (body as Buffer).toString());
        if (target.isCut || this.isCut) throw new PeerUnreachable(peer, 'the cable is out');
        return { status, headers: {}, body: Readable.from([Buffer.from(said)]) };
      },
      log: () => {},
      nodes: () => this.#lab.nodes.map(({ agreement: { id, n } }) => ({ id, name: `node-${n}`, state: 'alive' })),
    });
  }
}
