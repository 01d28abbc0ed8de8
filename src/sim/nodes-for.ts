import { Prng } from '../lib/prng.ts';

/**
 * How many nodes a seed's run has unless said otherwise: 3 to 20, small instances more often, for their rarer
 * states; one in twenty has 60 to 100, on both sides of the bound of the direct round, which is 64.
 */
export function nodesFor(seed: number): number {
  const random = new Prng(seed);
  if (seed % LARGE_EVERY === 0) return random.chance(0.5) ? 60 + random.int(5) : 65 + random.int(36);
  return 3 + Math.floor(random.float() ** 2 * 18);
}

/** How long load and faults of a seed's run last unless said otherwise, ms: large instances have more of both in a second. */
export function durationFor(nodes: number): number {
  return nodes >= 60 ? 8_000 : 30_000;
}

const LARGE_EVERY = 20;
