import type { Prng } from '../../lib/prng.ts';

/** The time to the next of things that happen by themselves, on average once in `mean`. */
export const exponential = (mean: number, random: Prng): number => -Math.log(1 - random.float()) * mean;
