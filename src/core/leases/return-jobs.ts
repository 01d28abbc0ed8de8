import type { Lease } from '../model/index.ts';
import type { Giving } from './give-up.ts';
import { givingJob } from './giving-job.ts';
import type { Holdings } from './holdings.ts';
import type { Job, JobFailure, Lane } from './lane.ts';
import type { LeaseAnswer, LeaseTurn } from './port.ts';
import { LEASES } from './tunables.ts';

/** All leases of a network go back, some at a time, unless it is in use. */
export function returnJob(
  lane: Lane,
  holdings: Holdings,
  isInUse: () => boolean,
  answer: (turn: LeaseTurn, answer: LeaseAnswer) => void,
): Job {
  const decide = (): Giving => {
    if (isInUse()) return { answer: { kind: 'in-use', by: holdings.inUse.keys().next().value } };
    const remove = holdings.own.slice(0, LEASES.returnsAtOnce);
    return remove.length > 0 ? { change: { add: [], remove } } : { answer: { kind: 'given' } };
  };
  return givingJob(decide, (turn, said) => {
    if (said.kind === 'given' && holdings.own.length > 0) lane.run(turn, returnJob(lane, holdings, isInUse, answer));
    else answer(turn, said.kind === 'not-mine' ? { kind: 'given' } : said);
  });
}

/** Leases that are not needed go back, some at a time. */
export function idleJob(
  lane: Lane,
  surplus: () => readonly Lease[],
  ended: (turn: LeaseTurn, failure: JobFailure | undefined) => void,
): Job {
  return {
    decide: () => {
      const remove = surplus().slice(0, LEASES.returnsAtOnce);
      return remove.length > 0 ? { add: [], remove } : undefined;
    },
    done: (turn, changed) => {
      if (changed && surplus().length > 0) lane.run(turn, idleJob(lane, surplus, ended));
      ended(turn, undefined);
    },
    failed: ended,
  };
}
