import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Schedule } from './schedule.ts';

test('things happen in order of time, then of scheduling', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (delays) => {
      const schedule = new Schedule(1_000);
      const done: { readonly at: number; readonly n: number }[] = [];
      delays.forEach((delay, n) => schedule.after(delay, () => done.push({ at: schedule.nowMs, n })));
      schedule.runUntil(20);
      expect(done.map(({ n }) => n)).toEqual(delays.map((_, n) => n).sort((a, b) => (delays[a] ?? 0) - (delays[b] ?? 0) || a - b));
      expect(done.every(({ at, n }) => at === delays[n])).toBe(true);
    }),
  );
});

test('time stands where it was run to, also when nothing happened', () => {
  const schedule = new Schedule(10);
  schedule.runUntil(1_234);
  expect(schedule.nowMs).toBe(1_234);
});

test('what feeds itself without end is found out', () => {
  const schedule = new Schedule(100);
  const again = (): void => schedule.after(0, again);
  again();
  expect(() => schedule.runUntil(1)).toThrow('a runaway');
});
