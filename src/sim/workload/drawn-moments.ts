import type { Prng } from '../../lib/prng.ts';

/** Moments of a Poisson process between two times, `everyMs` apart on average: when users who know nothing of each other act. */
export function atDrawnMoments(
  random: Prng,
  { fromMs, untilMs, everyMs }: { readonly fromMs: number; readonly untilMs: number; readonly everyMs: number },
  act: (atMs: number) => void,
): void {
  for (let atMs = fromMs; ; ) {
    atMs += -Math.log(1 - random.float()) * everyMs;
    if (atMs >= untilMs) return;
    act(atMs);
  }
}
