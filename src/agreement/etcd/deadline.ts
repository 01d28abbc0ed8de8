import { setTimeout as sleep } from 'node:timers/promises';
import { AgreementUnavailable } from '../port.ts';
import { GatewayError } from './gateway.ts';

/** Of one request to the store, retries included (DESIGN §9b). */
export const DEADLINE_MS = 2_500;
/** Of one request to the member: a request that waits for a leader that has died is never answered, its repetition is. */
const ATTEMPT_MS = 800;
const PAUSE_MS = 40;
/** With less left none is begun: cut off, it would only leave open what else is certain. */
const LEAST_MS = 150;

/**
 * Repeats `attempt` until it answers or the deadline has come. Only for what may be repeated.
 * `timeLeftMs` is for the next request to the member. @throws AgreementUnavailable, whose `changed` is `no` where no attempt can have changed anything
 */
export async function untilAnswered<T>(
  nowMs: () => number,
  attempt: (timeLeftMs: () => number, mayHaveHappened: boolean) => Promise<T>,
  endMs = nowMs() + DEADLINE_MS,
): Promise<T> {
  const timeLeftMs = () => Math.max(1, Math.min(ATTEMPT_MS, endMs - nowMs()));
  let mayHaveHappened = false;
  for (;;) {
    try {
      return await attempt(timeLeftMs, mayHaveHappened);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (error.changed === 'unknown') mayHaveHappened = true;
      if (nowMs() + PAUSE_MS + LEAST_MS >= endMs) {
        throw new AgreementUnavailable(
          `no majority of the agreement members answered within ${DEADLINE_MS / 1_000} s (${error.message}): "caravela agreement status" shows who is missing`,
          mayHaveHappened ? 'unknown' : 'no',
        );
      }
      await sleep(PAUSE_MS);
    }
  }
}
