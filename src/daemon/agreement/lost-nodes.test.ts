import { describe, expect, it } from 'vitest';
import { MemoryCluster } from '../../agreement/fake/memory-cluster.ts';
import { MemoryStore as MemoryAgreement } from '../../agreement/fake/memory-store.ts';
import { AgreedStateOver } from '../../agreement/state/agreed-state.ts';
import { Copy } from '../../agreement/state/copy.ts';
import { PREFIX } from '../../agreement/state/keys.ts';
import { type Member, type MemberState, NO_VERSION, type NodeId } from '../../core/model/index.ts';
import { testNetwork, testNetworkId, testNodeId, testSubnet } from '../../core/model/network.test-helper.ts';
import { MemoryStore } from '../../store/fake/memory-store.ts';
import { DOCUMENTS } from '../settings.ts';
import { LostNodes } from './lost-nodes.ts';

const DAY = 86_400_000;
const MINUTE = 60_000;
const NET = testNetworkId(1);
const [SELF, LOST, OTHER] = [testNodeId(1), testNodeId(2), testNodeId(3)];

/** A member among three nodes, each with a block. */
class MemberOfThree {
  readonly cluster = new MemoryCluster();
  readonly agreement = new MemoryAgreement(this.cluster);
  readonly disk = new MemoryStore();
  readonly copy = new Copy({ store: { agreed: () => ({ version: NO_VERSION, entries: [] }), putAgreed: () => {} }, report: () => {} });
  readonly states = new Map<NodeId, MemberState>();
  readonly said: string[] = [];
  readonly state = new AgreedStateOver(this.agreement, this.copy, { reach: () => this.catchUp(), announce: async () => {} });
  nowMs = 0;
  lost = this.start();

  static async create(): Promise<MemberOfThree> {
    const member = new MemberOfThree();
    await member.state.createNetwork(testNetwork(1, '10.0.0.0/24'));
    let guard = 0;
    for (const [n, node] of [SELF, LOST, OTHER].entries()) {
      await member.state.admitNode(node, `node-${n}`, 1);
      ({ guard } = await member.state.readLeases(NET));
      const lease = { network: NET, block: testSubnet(`10.0.0.${n * 8 + 8}/29`), node };
      await member.state.changeLeases(NET, guard, { add: [lease], remove: [] });
    }
    return member;
  }

  start(): LostNodes {
    return new LostNodes({
      self: SELF,
      copy: this.copy,
      store: this.agreement,
      disk: this.disk,
      state: this.state,
      limitMs: 7 * DAY,
      members: () => [...this.states].map(([id, state]) => ({ id, state, incarnation: 1 }) as Member),
      nameOf: (id) => this.state.node(id)?.name ?? id,
      nowMs: () => this.nowMs,
      log: (_level, message) => void this.said.push(message),
    });
  }

  async catchUp(): Promise<void> {
    const { value, version } = await this.agreement.range(PREFIX);
    this.copy.apply({ from: undefined, version, entries: value, removed: [] });
  }

  /** Rounds each two minutes, so long. */
  async pass(ms: number): Promise<void> {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += 2 * MINUTE;
      await this.lost.round();
    }
  }

  leases(): readonly NodeId[] {
    return this.state.leases(NET).map(({ node }) => node);
  }
}

describe('a node that is not seen for a week', () => {
  it('loses its leases, and neither its place nor its name', async () => {
    const member = await MemberOfThree.create();
    member.states.set(LOST, 'dead').set(OTHER, 'alive');
    await member.pass(7 * DAY);
    expect(member.leases()).toEqual([SELF, LOST, OTHER]);
    await member.pass(4 * MINUTE);
    expect(member.leases()).toEqual([SELF, OTHER]);
    expect(member.state.node(LOST)).toMatchObject({ state: 'in', name: 'node-1' });
    expect(member.said).toEqual([expect.stringContaining('its addresses are free')]);
    // It comes back, and gets others.
    member.states.set(LOST, 'alive');
    const { guard } = await member.state.readLeases(NET);
    const again = { network: NET, block: testSubnet('10.0.0.64/29'), node: LOST };
    expect(await member.state.changeLeases(NET, guard, { add: [again], remove: [] })).toBe('done');
    await member.pass(DAY);
    expect(member.leases()).toContain(LOST);
  });

  it('keeps them where it comes back at the last moment', async () => {
    const member = await MemberOfThree.create();
    member.states.set(LOST, 'dead').set(OTHER, 'suspect');
    await member.pass(7 * DAY);
    // While the change is on its way.
    member.agreement.latency = async () => {
      member.lost.sawAlive(LOST);
    };
    await member.pass(4 * MINUTE);
    expect(member.leases()).toContain(LOST);
  });

  it('keeps them as long as no majority answers', async () => {
    const member = await MemberOfThree.create();
    member.states.set(LOST, 'dead').set(OTHER, 'alive');
    member.agreement.cut();
    await member.pass(8 * DAY);
    member.agreement.heal();
    await member.pass(DAY);
    expect(member.leases()).toContain(LOST);
  });

  it('is counted on after a restart, but for the last minutes; not after a time as no member', async () => {
    const member = await MemberOfThree.create();
    member.states.set(LOST, 'dead').set(OTHER, 'alive');
    await member.pass(6 * DAY);
    member.lost = member.start();
    await member.pass(DAY + 20 * MINUTE);
    expect(member.leases()).not.toContain(LOST);

    const fresh = await MemberOfThree.create();
    fresh.states.set(LOST, 'dead').set(OTHER, 'alive');
    await fresh.pass(6 * DAY);
    fresh.lost.forget();
    fresh.lost = fresh.start();
    expect(fresh.disk.document(DOCUMENTS.absences)).toEqual({});
    await fresh.pass(2 * DAY);
    expect(fresh.leases()).toContain(LOST);
  });

  it('that was seen is not counted on by what the disk still says', async () => {
    const member = await MemberOfThree.create();
    member.states.set(LOST, 'dead').set(OTHER, 'alive');
    await member.pass(6 * DAY);
    member.lost.sawAlive(LOST);
    member.lost = member.start();
    await member.pass(6 * DAY);
    expect(member.leases()).toContain(LOST);
  });
});
