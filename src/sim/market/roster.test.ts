import { expect, test } from 'vitest';
import { MIB, nodeId } from '../../core/model/index.ts';
import type { MemberRecord } from '../../core/model/index.ts';
import { Ring } from '../../core/ring/ring.ts';
import { Prng } from '../../lib/prng.ts';
import { GossipDelay } from './gossip-delay.ts';
import { Roster } from './roster.ts';

const random = new Prng(4);
const COUNT = 50;
const PACE = { packetMs: 250, rotationMs: 20_000 };
const record = (index: number): Omit<MemberRecord, 'incarnation'> => ({
  id: nodeId(random.hex(16)),
  name: `node-${index}`,
  number: index + 1,
  address: { ip: '10.0.0.1', controlPort: 8001, gossipPort: 8000 },
  class: 'low',
  arch: 'amd64',
  labels: {},
  capacity: { cpuMillicores: 1_000, memoryBytes: 512 * MIB },
  underlayMtu: 1_500,
  version: 'test',
  draining: false,
});
const KEYS = Array.from({ length: 300 }, (_, i) => `low/${i % 20}/3#${i}`);

function rosterOf(count: number) {
  const roster = new Roster(new GossipDelay(9, count, 0), PACE);
  const records = Array.from({ length: count }, (_, index) => record(index));
  for (const one of records) roster.add(one, true);
  return { roster, records };
}

/** The ring as a node would build it from its own list. */
function ringOf(roster: Roster, records: readonly { readonly id: MemberRecord['id'] }[], viewer: number, nowMs: number): Ring {
  const ring = new Ring();
  for (const { id } of records) if (roster.member(id, viewer, nowMs)?.state === 'alive') ring.add(id);
  return ring;
}

test("each node's ring is the one of its own list, through deaths and a return", () => {
  const { roster, records } = rosterOf(COUNT);
  roster.changed(3, false, 1, 1_000);
  roster.changed(8, false, 1, 1_500);
  roster.changed(3, true, 2, 3_000);
  for (const nowMs of [0, 1_200, 2_000, 2_500, 3_200, 4_500, 10_000]) {
    for (const viewer of [0, 17, 31]) {
      const ring = ringOf(roster, records, viewer, nowMs);
      for (const key of KEYS) expect(roster.owner(key, viewer, nowMs)).toBe(ring.owner(key));
    }
  }
  const views = new Set(Array.from({ length: COUNT }, (_, viewer) => ringOf(roster, records, viewer, 2_000).size));
  expect(views.size).toBeGreaterThan(1);
});

test('a change is heard from the moment it is known on, by all in the end; then it is forgotten', () => {
  const { roster, records } = rosterOf(COUNT);
  const { id } = records[5] as { id: MemberRecord['id'] };
  const change = roster.changed(5, false, 1, 1_000);
  for (let viewer = 0; viewer < COUNT; viewer++) {
    expect(roster.member(id, viewer, 999)?.state).toBe('alive');
    const heardMs = roster.heardAtMs(change, viewer);
    if (viewer !== 5) expect(heardMs).toBeGreaterThan(1_000);
    expect(roster.member(id, viewer, heardMs + 1)?.state).toBe('dead');
  }
  expect(roster.size).toBe(COUNT - 1);
  roster.settle(500_000);
  expect([...roster.unsettled()]).toEqual([]);
  for (const key of KEYS) expect(roster.owner(key, 0, 500_000)).not.toBe(id);
  expect(roster.member(id, 0, 500_000)?.state).toBe('dead');
});

test('one that has never been is unknown until its join is heard', () => {
  const { roster } = rosterOf(COUNT);
  const late = record(COUNT);
  roster.add(late, false);
  expect(roster.member(late.id, 0, 0)).toBeUndefined();
  const change = roster.changed(COUNT, true, 1, 1_000);
  const heardMs = roster.heardAtMs(change, 0);
  expect(roster.member(late.id, 0, heardMs - 1)).toBeUndefined();
  expect(roster.member(late.id, 0, heardMs + 1)?.state).toBe('alive');
});
