import { setTimeout as delay } from 'node:timers/promises';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Whether the signal aborts within the time. */
export async function happens(signal: AbortSignal, withinMs: number): Promise<boolean> {
  if (signal.aborted || withinMs <= 0) return signal.aborted;
  await delay(Math.min(withinMs, LONGEST_TIMER_MS), undefined, { signal }).catch(() => undefined);
  return signal.aborted;
}
