import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemberRecord, MemberState, NodeId } from '../model/index.ts';
import { outranks } from './claim.ts';
import { MemberTable } from './member-table.ts';
import { SyncBuckets } from './sync-buckets.ts';

const idOf = (n: number): NodeId => n.toString(16).padStart(2, '0').repeat(16) as NodeId;

function recordOf(n: number, incarnation: number): MemberRecord {
  return {
    id: idOf(n),
    name: `node-${n}`,
    number: n,
    incarnation,
    // The address depends on the incarnation, so a mixed-up record shows.
    address: { ip: `10.0.${incarnation}.${n}`, controlPort: 8001, gossipPort: 8000 },
    class: 'low',
    arch: 'amd64',
    labels: {},
    capacity: { cpuMillicores: 4_000, memoryBytes: 2 ** 32 },
    underlayMtu: 1_500,
    version: '0.1.0',
    draining: false,
  };
}

const state = fc.constantFrom<MemberState>('alive', 'suspect', 'dead', 'left');
const claim = fc.record({ incarnation: fc.nat(5), state });
const news = fc.oneof(
  fc.record({ node: fc.integer({ min: 1, max: 4 }), record: fc.nat(5) }),
  fc.record({ node: fc.integer({ min: 1, max: 4 }), claim }),
);

describe('outranks', () => {
  it('is a strict total order', () => {
    fc.assert(
      fc.property(claim, claim, claim, (a, b, c) => {
        const isEqual = a.incarnation === b.incarnation && a.state === b.state;
        expect([outranks(a, b), outranks(b, a), isEqual].filter(Boolean)).toHaveLength(1);
        if (outranks(a, b) && outranks(b, c)) expect(outranks(a, c)).toBe(true);
      }),
    );
  });
});

describe('MemberTable', () => {
  function tableAfter(given: readonly (typeof news extends fc.Arbitrary<infer T> ? T : never)[]): MemberTable {
    const table = new MemberTable(recordOf(0, 1));
    for (let n = 1; n <= 4; n++) table.add(recordOf(n, 0), 0);
    for (const item of given) {
      if ('record' in item) table.merge(idOf(item.node), { record: recordOf(item.node, item.record) }, 0);
      else table.merge(idOf(item.node), { claim: item.claim }, 0);
    }
    return table;
  }

  it('ends the same whatever order the same news came in, also twice', () => {
    fc.assert(
      fc.property(
        fc
          .array(news, { maxLength: 20 })
          .chain((all) =>
            fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }), fc.shuffledSubarray(all, { minLength: 0 })),
          ),
        ([all, shuffled, again]) => {
          const one = tableAfter(all);
          const other = tableAfter([...again, ...shuffled, ...again]);
          expect(other.members()).toEqual(one.members());
          expect(other.members().map((m) => other.get(m.id)?.claim)).toEqual(one.members().map((m) => one.get(m.id)?.claim));
          expect(other.buckets.values()).toEqual(one.buckets.values());
        },
      ),
    );
  });

  it('keeps its digest equal to one made afresh of its live members', () => {
    fc.assert(
      fc.property(fc.array(news, { maxLength: 20 }), (all) => {
        const table = tableAfter(all);
        const fresh = new SyncBuckets();
        for (const member of table.alive()) fresh.toggle(member.id, member.incarnation);
        expect(table.buckets.values()).toEqual(fresh.values());
      }),
    );
  });

  it('never passes an old record on under a newer incarnation', () => {
    const table = tableAfter([{ node: 1, claim: { incarnation: 4, state: 'dead' } }]);
    expect(table.get(idOf(1))?.member).toMatchObject({ incarnation: 0, state: 'dead', address: { ip: '10.0.0.1' } });
    table.merge(idOf(1), { record: recordOf(1, 4) }, 0);
    expect(table.get(idOf(1))?.member).toMatchObject({ incarnation: 4, state: 'dead', address: { ip: '10.0.4.1' } });
    table.merge(idOf(1), { record: recordOf(1, 5) }, 0);
    expect(table.get(idOf(1))?.member).toMatchObject({ incarnation: 5, state: 'alive' });
  });

  it('gives the same arrays until something changes', () => {
    const table = tableAfter([]);
    const [members, alive] = [table.members(), table.alive()];
    table.merge(idOf(1), { claim: { incarnation: 0, state: 'alive' } }, 0);
    table.markHeard(table.at(1));
    expect(table.members()).toBe(members);
    expect(table.alive()).toBe(alive);
    table.merge(idOf(1), { claim: { incarnation: 0, state: 'suspect' } }, 0);
    expect(table.members()).not.toBe(members);
    expect(table.alive()).toHaveLength(5);
    expect(table.peers).toHaveLength(4);
  });

  it('keeps the live others as peers', () => {
    fc.assert(
      fc.property(fc.array(news, { maxLength: 20 }), (all) => {
        const table = tableAfter(all);
        const ids = Array.from({ length: table.peers.length }, (_, i) => table.peers.at(i).id);
        const live = table.alive().map((member) => member.id);
        expect(ids.toSorted()).toEqual(live.filter((id) => id !== idOf(0)).toSorted());
      }),
    );
  });

  it('finds by the short ids of rumours, and forgets the gone after their bounds', () => {
    const table = tableAfter([]);
    table.merge(idOf(1), { claim: { incarnation: 0, state: 'dead' } }, 1_000);
    table.merge(idOf(2), { claim: { incarnation: 0, state: 'left' } }, 1_000);
    expect(table.byShortId('01'.repeat(8))?.id).toBe(idOf(1));
    const bounds = { deadKeptMs: 100, leftKeptMs: 50 };
    table.forget(1_060, bounds);
    expect(table.members().map((m) => m.number)).toEqual([0, 1, 3, 4]);
    table.forget(1_101, bounds);
    expect(table.members().map((m) => m.number)).toEqual([0, 3, 4]);
    expect(table.byShortId('01'.repeat(8))).toBeUndefined();
    table.forget(Number.MAX_SAFE_INTEGER, bounds);
    expect(table.members()).toHaveLength(3);
  });

  it('is bounded: the longest gone makes room, a full table of live members refuses', () => {
    const table = new MemberTable(recordOf(0, 1), 3);
    table.add(recordOf(1, 1), 0);
    table.add(recordOf(2, 1), 0);
    expect(table.add(recordOf(3, 1), 0)).toBeUndefined();
    table.merge(idOf(2), { claim: { incarnation: 1, state: 'dead' } }, 5);
    table.merge(idOf(1), { claim: { incarnation: 1, state: 'left' } }, 9);
    expect(table.add(recordOf(3, 1), 10)?.id).toBe(idOf(3));
    expect(table.members().map((m) => m.number)).toEqual([0, 1, 3]);
  });
});
