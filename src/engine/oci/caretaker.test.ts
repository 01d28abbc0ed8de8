import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import { Caretaker } from './caretaker.ts';

it('makes its rounds where nothing can be watched, and after a round that failed', async () => {
  const troubles: string[] = [];
  const rounds: number[] = [];
  const charge = {
    look: () => undefined,
    round: async () => {
      if (rounds.push(rounds.length) === 1) throw new Error('the first one fails');
    },
    isNeeded: () => true,
  };
  const caretaker = new Caretaker('/nowhere/exits', charge, (why) => troubles.push(why));
  caretaker.rouse();
  while (rounds.length < 2) await delay(20);
  caretaker.close();
  expect(troubles).toEqual([expect.stringContaining("/nowhere/exits can't be watched"), expect.stringContaining('the first one fails')]);
});

afterEach(() => {
  vi.useRealTimers();
});

it('makes none while nothing is to be looked after, and again when it is roused', async () => {
  vi.useFakeTimers();
  let rounds = 0;
  let running = 0;
  const round = async () => {
    // What runs ends before each second round.
    if (++rounds % 2 === 0) running = 0;
  };
  const caretaker = new Caretaker('/nowhere/exits', { look: () => undefined, round, isNeeded: () => running > 0 }, () => undefined);
  const start = async (containers: number): Promise<number> => {
    running = containers;
    caretaker.rouse();
    caretaker.rouse();
    await vi.advanceTimersByTimeAsync(10_000);
    return rounds;
  };
  expect(await start(0)).toBe(0);
  expect(await start(1)).toBe(2);
  expect(await start(1)).toBe(4);
  caretaker.close();
  expect(await start(1)).toBe(4);
});
