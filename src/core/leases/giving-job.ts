import type { Lease } from '../model/index.ts';
import type { Giving } from './give-up.ts';
import type { Job } from './lane.ts';
import type { LeaseAnswer, LeaseChange, LeaseTurn } from './port.ts';

/** A change that somebody waits for an answer of: `given` when it is committed. */
export function givingJob(decide: (leases: readonly Lease[]) => Giving, answer: (turn: LeaseTurn, answer: LeaseAnswer) => void): Job {
  let decided: LeaseAnswer = { kind: 'none' };
  return {
    decide: (_turn, leases): LeaseChange | undefined => {
      const giving = decide(leases);
      if ('change' in giving) return giving.change;
      decided = giving.answer;
      return undefined;
    },
    done: (turn, changed) => answer(turn, changed ? { kind: 'given' } : decided),
    failed: (turn, why) => answer(turn, why === 'no-network' ? { kind: 'not-mine' } : { kind: 'no-agreement' }),
  };
}
