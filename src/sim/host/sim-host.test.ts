import { expect, test } from 'vitest';
import { containerId } from '../../core/model/index.ts';
import type { Container, Order, OrderAnswer, OrderId } from '../../core/model/index.ts';
import { Prng } from '../../lib/prng.ts';
import { Schedule } from '../schedule.ts';
import { SimClock } from './sim-clock.ts';
import { SimHost } from './sim-host.ts';

const [FIRST, SECOND] = [containerId('1'.repeat(64)), containerId('2'.repeat(64))];

function hostOf(seed: number): { readonly host: SimHost; readonly schedule: Schedule; readonly answers: OrderAnswer[] } {
  const schedule = new Schedule(1_000);
  const host = new SimHost(schedule, new Prng(seed), new SimClock(schedule, 1, 0), () => undefined);
  const answers: OrderAnswer[] = [];
  for (const id of [FIRST, SECOND]) {
    const container = { request: { containerId: id }, createdAtMs: 0 } as Container;
    const order: Order = { kind: 'store-container', id: 1 as OrderId, container };
    host.perform(order, (answer) => answers.push(answer));
  }
  return { host, schedule, answers };
}

test('records are durable when they are answered, not before', () => {
  const { host, schedule, answers } = hostOf(1);
  expect([[...host.store.ids()], answers]).toEqual([[], []]);
  schedule.runUntil(1_000);
  expect([[...host.store.ids()], answers]).toEqual([
    [FIRST, SECOND],
    [{ ok: true }, { ok: true }],
  ]);
});

test('a daemon that dies takes all that was not yet written with it, or nothing, and nobody is answered', () => {
  const kept = Array.from({ length: 20 }, (_, seed) => {
    const { host, schedule, answers } = hostOf(seed);
    host.daemonDied();
    schedule.runUntil(1_000);
    expect(answers).toEqual([]);
    return [...host.store.ids()].length;
  });
  expect(new Set(kept)).toEqual(new Set([0, 2]));
});

test('on a full disk each is refused', () => {
  const { host, schedule, answers } = hostOf(2);
  host.diskFull = true;
  schedule.runUntil(1_000);
  expect([[...host.store.ids()].length, answers.map(({ ok }) => ok)]).toEqual([0, [false, false]]);
});
