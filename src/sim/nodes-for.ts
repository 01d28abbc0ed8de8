import { Prng } from '../lib/prng.ts';

/** How many nodes a seed's run has unless said otherwise: 3 to 20, small instances more often, for their rarer states. */
export function nodesFor(seed: number): number {
  return 3 + Math.floor(new Prng(seed).float() ** 2 * 18);
}
