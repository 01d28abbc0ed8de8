import { describe, expect, it } from 'vitest';
import { LIMITS } from '../model/index.ts';
import type { Member, NodeId, Rumour } from '../model/index.ts';
import { RumourQueue, keyOf } from './rumour-queue.ts';

const a = 'a'.repeat(32) as NodeId;
const b = 'b'.repeat(32) as NodeId;
const NONE: ReadonlySet<string> = new Set();
const take = (queue: RumourQueue, room: number, limit: number, count: number, besides = NONE) =>
  queue.take(room, limit, count, besides).rumours;

const state = (id: NodeId, incarnation: number, what: 'suspect' | 'dead'): Rumour => ({
  kind: 'state',
  shortId: id.slice(0, 16),
  incarnation,
  state: what,
  from: 'f'.repeat(16),
});
const record = (id: NodeId, incarnation: number): Rumour => ({ kind: 'record', member: { id, incarnation, state: 'alive' } as Member });

describe('RumourQueue', () => {
  it('sends fewest-sent first and each at most `limit` times', () => {
    const queue = new RumourQueue();
    queue.put(a, state(a, 1, 'suspect'), 10);
    expect(take(queue, 100, 2, 1)).toEqual([state(a, 1, 'suspect')]);
    queue.put(b, state(b, 1, 'suspect'), 10);
    expect(take(queue, 100, 2, 1)).toEqual([state(b, 1, 'suspect')]);
    expect(take(queue, 100, 2, 9)).toHaveLength(2);
    expect(queue.size).toBe(0);
    expect(take(queue, 100, 2, 9)).toEqual([]);
  });

  it('lets newer news of a member replace older, starting afresh', () => {
    const queue = new RumourQueue();
    queue.put(a, state(a, 1, 'suspect'), 10);
    take(queue, 100, 3, 9);
    queue.put(a, record(a, 2), 50);
    expect(queue.size).toBe(1);
    queue.put(a, state(a, 2, 'suspect'), 10);
    expect(queue.size).toBe(2);
    queue.put(a, state(a, 2, 'dead'), 10);
    expect(take(queue, 100, 3, 9)).toEqual([state(a, 2, 'dead')]);
    expect(take(queue, 100, 3, 9)).toHaveLength(1);
    expect(take(queue, 100, 3, 9)).toHaveLength(1);
    expect(queue.size).toBe(0);
  });

  it('fills the room, passes over what does not fit and what the packet has', () => {
    const queue = new RumourQueue();
    queue.put(a, record(a, 1), 90);
    queue.put(b, state(b, 1, 'dead'), 20);
    expect(queue.take(50, 3, 9, NONE)).toEqual({ rumours: [state(b, 1, 'dead')], bytes: 20 });
    expect(take(queue, 200, 3, 9, new Set([keyOf(a, 'record')]))).toEqual([state(b, 1, 'dead')]);
    expect(take(queue, 90, 3, 9)).toEqual([record(a, 1)]);
  });

  it('never gives more than a packet may carry', () => {
    const queue = new RumourQueue();
    for (let n = 0; n < 2 * LIMITS.gossipPerPacket; n++) {
      const id = n.toString(16).padStart(32, '0') as NodeId;
      queue.put(id, state(id, 1, 'dead'), 1);
    }
    expect(take(queue, 10_000, 3, 10_000)).toHaveLength(LIMITS.gossipPerPacket);
  });
});
