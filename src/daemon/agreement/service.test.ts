import { describe, expect, it } from 'vitest';
import { MemoryCluster } from '../../agreement/fake/memory-cluster.ts';
import { MemoryStore } from '../../agreement/fake/memory-store.ts';
import { AgreementUnavailable } from '../../agreement/port.ts';
import type { AgreementHost, MemberReport, MembersStatus } from '../../agreement/members/port.ts';
import { AgreedStateOver } from '../../agreement/state/agreed-state.ts';
import { encodeFact } from '../../agreement/state/codec.ts';
import { Copy } from '../../agreement/state/copy.ts';
import { KEYS, PREFIX } from '../../agreement/state/keys.ts';
import { type Member, type MemberState, NO_VERSION, type NodeId } from '../../core/model/index.ts';
import { testNetwork, testNodeId } from '../../core/model/network.test-helper.ts';
import { createGossipKeys } from '../../transport/trust/gossip-keys.ts';
import { GossipRing } from './gossip-ring.ts';
import { AgreementAdmin } from './service.ts';

const [ONE, TWO, THREE] = [testNodeId(1), testNodeId(2), testNodeId(3)];
const INSTANCE = 'f'.repeat(32);

const ringOf = (copy: Copy): GossipRing =>
  new GossipRing({ copy, disk: { putDocument: () => {} }, kept: createGossipKeys(), onKeys: () => {}, log: () => {} });

/** Node one, asked by a user; two and three are as the test says. */
class Asked {
  readonly cluster = new MemoryCluster();
  readonly store = new MemoryStore(this.cluster);
  readonly copy = new Copy({ store: { agreed: () => ({ version: NO_VERSION, entries: [] }), putAgreed: () => {} }, report: () => {} });
  readonly state = new AgreedStateOver(this.store, this.copy, { reach: () => this.catchUp(), announce: async () => {} });
  readonly states = new Map<NodeId, MemberState>([
    [ONE, 'alive'],
    [TWO, 'alive'],
    [THREE, 'alive'],
  ]);
  members: readonly NodeId[] = [TWO];
  reports: readonly MemberReport[] = [];
  readonly epochs: number[] = [];
  hasKey = true;
  isMember = false;
  isLearner = false;
  isCandidate = true;
  readonly warnings: string[] = [];
  readonly ring = ringOf(this.copy);
  readonly admin = new AgreementAdmin({
    self: ONE,
    instanceId: INSTANCE,
    host: this.#host(),
    store: this.store,
    copy: this.copy,
    ring: this.ring,
    nodes: this.state,
    caKey: this.#key(),
    members: () => [...this.states].map(([id, state]) => ({ id, state }) as Member),
    nameOf: (id) => this.state.node(id)?.name ?? id,
    fetchNewest: () => this.catchUp().catch(() => {}),
    wallMs: () => 1_000,
    log: (level, message) => void (level === 'warn' && this.warnings.push(message)),
  });

  static async create(): Promise<Asked> {
    const asked = new Asked();
    for (const [n, id] of [ONE, TWO, THREE].entries()) await asked.state.admitNode(id, `node-${n + 1}`, 1);
    await asked.state.createNetwork(testNetwork(1, '10.0.0.0/24'));
    return asked;
  }

  agree(holder: NodeId): void {
    const { key, value } = encodeFact({ kind: 'ca-holder', node: holder });
    this.cluster.apply({ when: [], then: [{ put: key, value }] });
  }

  async catchUp(): Promise<void> {
    const { value, version } = await this.store.range(PREFIX);
    this.copy.apply({ from: undefined, version, entries: value, removed: [] });
  }

  #key() {
    const asked = (): Asked => this;
    return {
      get isHere() {
        return asked().hasKey;
      },
    };
  }

  #host(): AgreementHost {
    const status = (): MembersStatus => ({ hasQuorum: false, wanted: 1, isCandidate: true, members: this.reports, troubles: [] });
    const asked = (): Asked => this;
    const host: Partial<AgreementHost> = {
      get isMember() {
        return asked().isMember;
      },
      get isLearner() {
        return asked().isLearner;
      },
      get isCandidate() {
        return asked().isCandidate;
      },
      memberNodes: () => this.members,
      status: async () => status(),
      recoverFrom: async (entries, epoch) => {
        this.epochs.push(epoch);
        this.cluster.recover(entries, epoch);
        this.store.heal();
        return this.cluster.version;
      },
    };
    return host as AgreementHost;
  }
}

describe('removing a node', () => {
  it('that is alive needs force; one that alone takes part in agreement can’t be removed at all', async () => {
    const asked = await Asked.create();
    await expect(asked.admin.removeNode('node-3', false)).rejects.toThrow(/node-3 is alive: say "caravela leave" on it/);
    await expect(asked.admin.removeNode('node-2', true)).rejects.toThrow(/node-2 alone takes part in agreement.*hands its part over/);
    expect(await asked.admin.removeNode('node-3', true)).toMatchObject({ name: 'node-3', state: 'removed' });
    asked.members = [ONE, TWO, THREE];
    expect(await asked.admin.removeNode('node-2', true)).toMatchObject({ state: 'removed' });
  });

  it('that is dead needs none, by name or by id; itself, it refuses; what it does not know, too', async () => {
    const asked = await Asked.create();
    asked.states.set(THREE, 'dead');
    await expect(asked.admin.removeNode('node-1', true)).rejects.toThrow(/node-1 is the node you ask/);
    await expect(asked.admin.removeNode('node-9', true)).rejects.toThrow(/no such node: node-9/);
    expect(await asked.admin.removeNode(THREE.slice(0, 32), false)).toMatchObject({ state: 'removed' });
    expect(await asked.admin.removeNode('node-3', false)).toMatchObject({ state: 'removed' });
  });

  it('that had the key for certificates is told', async () => {
    const asked = await Asked.create();
    asked.agree(THREE);
    await asked.catchUp();
    await asked.admin.removeNode('node-3', true);
    expect(asked.warnings).toEqual([expect.stringContaining('held the key that signs certificates')]);
  });
});

describe('recovering', () => {
  it('is refused while a majority answers, where there is no copy, and where the key is not here: then it says who has it', async () => {
    const asked = await Asked.create();
    await expect(asked.admin.recover()).rejects.toThrow(/a majority of the agreement members answers/);
    asked.agree(TWO);
    asked.agree(THREE);
    await asked.catchUp();
    asked.store.cut();
    asked.states.set(TWO, 'dead');
    asked.hasKey = false;
    await expect(asked.admin.recover()).rejects.toThrow(/do it on one of those that have it: node-2 \(does not answer\), node-3$/);
    const empty = new Asked();
    empty.store.cut();
    await expect(empty.admin.recover()).rejects.toThrow(/no node that answers has a copy/);
  });

  it('goes on with all that was agreed, under a higher epoch', async () => {
    const asked = await Asked.create();
    const before = asked.copy.entries().map(({ key, value }) => ({ key, value }));
    asked.store.cut();
    const { epoch } = await asked.admin.recover();
    expect(epoch).toBeGreaterThan(1);
    const after = asked.cluster.list(PREFIX).map(({ key, value }) => ({ key, value }));
    expect(after.filter(({ key }) => key !== KEYS.gossipKeys)).toEqual(before);
  });

  it('from a copy older than the first change of the key of datagrams agrees on a key: others went on to one of theirs', async () => {
    const asked = await Asked.create();
    await asked.catchUp();
    const other = new Copy({ store: { agreed: () => ({ version: NO_VERSION, entries: [] }), putAgreed: () => {} }, report: () => {} });
    const ring = ringOf(other);
    const changed = encodeFact({ kind: 'gossip-keys', keys: createGossipKeys() });
    const version = { epoch: asked.copy.version.epoch, revision: asked.copy.version.revision + 1 };
    const entry = { ...changed, createRevision: version.revision, modRevision: version.revision };
    other.apply({ from: undefined, version, entries: [...asked.copy.entries(), entry], removed: [] });
    asked.store.cut();
    await asked.admin.recover();
    await asked.catchUp();
    other.apply({ from: undefined, version: asked.copy.version, entries: asked.copy.entries(), removed: [] });
    expect(ring.keys).toEqual(asked.ring.keys);
  });
});

describe('recovering where not all is known', () => {
  const report = (node: NodeId, hasAnswered: boolean): MemberReport => ({
    node,
    role: 'unknown',
    hasAnswered,
    isReachable: false,
    epoch: 0,
    term: 0,
    index: 0,
    bytes: 0,
  });

  it('is refused while members that do not answer here are alive as others tell', async () => {
    const asked = await Asked.create();
    asked.store.cut();
    asked.reports = [report(ONE, true), report(TWO, false), report(THREE, false)];
    await expect(asked.admin.recover()).rejects.toThrow(/may live: alive as others tell, .*: node-2, node-3\. .*stop caravela on them/);
    asked.states.set(TWO, 'dead');
    expect((await asked.admin.recover()).epoch).toBeGreaterThan(1);
  });

  it('is not, where they answer that they are no members any more', async () => {
    const asked = await Asked.create();
    asked.store.cut();
    asked.reports = [report(ONE, true), report(TWO, true), report(THREE, true)];
    expect((await asked.admin.recover()).epoch).toBeGreaterThan(1);
  });

  it('twice at once is done once: the second finds that a majority answers', async () => {
    const asked = await Asked.create();
    asked.store.cut();
    const [first, second] = await Promise.allSettled([asked.admin.recover(), asked.admin.recover()]);
    expect([first?.status, second]).toEqual(['fulfilled', expect.objectContaining({ status: 'rejected' })]);
    expect(asked.epochs).toHaveLength(1);
  });
});

it('a token that was used, taken back or made since a snapshot is as it is now when the snapshot is put back', async () => {
  const asked = await Asked.create();
  const token = (digit: string, usedBy?: NodeId) => ({
    kind: 'token' as const,
    token: { id: digit.repeat(12), secretHash: digit.repeat(64), createdAtMs: 1, expiresAtMs: 9, singleUse: true, usedBy },
  });
  const write = (fact: ReturnType<typeof token>): void => {
    const { key, value } = encodeFact(fact);
    asked.cluster.apply({ when: [], then: [{ put: key, value }] });
  };
  write(token('1'));
  write(token('2'));
  const snapshot = await asked.admin.snapshot();
  write(token('1', THREE));
  asked.cluster.apply({ when: [], then: [{ remove: encodeFact(token('2')).key }] });
  write(token('3'));
  await asked.admin.restore(snapshot);
  await asked.catchUp();
  const now = [...asked.copy.views.tokens.values()].map(({ id, usedBy }) => [id[0], usedBy]);
  expect(now).toEqual([
    ['1', THREE],
    ['3', undefined],
  ]);
});

it('a snapshot is put back: networks as they were, who belongs to the instance as it is', async () => {
  const asked = await Asked.create();
  const snapshot = await asked.admin.snapshot();
  await asked.state.removeNetwork(testNetwork(1, '10.0.0.0/24').id);
  await asked.admin.removeNode('node-3', true);
  await asked.admin.restore(snapshot);
  await asked.catchUp();
  expect(asked.state.networks().map(({ name }) => name)).toEqual(['net-1']);
  expect(asked.state.node(THREE)?.state).toBe('removed');
  expect(asked.copy.views.areGossipKeysDue).toBe(true);
  await expect(asked.admin.restore(Buffer.from('{}'))).rejects.toThrow(/no snapshot of what an instance agreed on/);
});

it('the keys of datagrams are in no snapshot, and stay as they are when one is put back', async () => {
  const asked = await Asked.create();
  const { key, value } = encodeFact({ kind: 'gossip-keys', keys: createGossipKeys() });
  asked.cluster.apply({ when: [], then: [{ put: key, value }] });
  const snapshot = await asked.admin.snapshot();
  expect(snapshot.toString()).not.toContain('gossip');
  await asked.admin.restore(snapshot);
  await asked.catchUp();
  expect(encodeFact({ kind: 'gossip-keys', keys: asked.copy.views.gossipKeys! }).value).toBe(value);
});

it('another key of datagrams is due when a user says so', async () => {
  const asked = await Asked.create();
  await asked.admin.rotateKey();
  await asked.catchUp();
  expect(asked.copy.views.areGossipKeysDue).toBe(true);
  asked.store.cut();
  await expect(asked.admin.rotateKey()).rejects.toThrow(AgreementUnavailable);
});

it('this node’s part in agreement is told by itself', () => {
  const asked = new Asked();
  const roles = [asked.admin.role()];
  asked.isCandidate = false;
  roles.push(asked.admin.role());
  asked.isMember = asked.isLearner = true;
  roles.push(asked.admin.role());
  asked.isLearner = false;
  expect([...roles, asked.admin.role()]).toEqual(['none', 'no etcd', 'learner', 'agreement']);
});
