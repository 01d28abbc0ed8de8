import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Caretaker } from './caretaker.ts';

it('makes its rounds where nothing can be watched, and after a round that failed', async () => {
  const troubles: string[] = [];
  const rounds: number[] = [];
  const charge = {
    look: () => undefined,
    round: async () => {
      if (rounds.push(rounds.length) === 1) throw new Error('the first one fails');
    },
  };
  const caretaker = new Caretaker('/nowhere/exits', charge, (why) => troubles.push(why));
  while (rounds.length < 2) await delay(20);
  caretaker.close();
  expect(troubles).toEqual([expect.stringContaining("/nowhere/exits can't be watched"), expect.stringContaining('the first one fails')]);
});
