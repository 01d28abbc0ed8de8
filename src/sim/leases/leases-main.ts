import { parseArgs } from 'node:util';
import { simulateLeases } from './simulate-leases.ts';

const USAGE = `npm run simulate -- leases     leased blocks: nodes over an atomic agreement, with faults; exit code 1: a rule was broken
  --seed N           the run to make (default: one drawn from the time)
  --seeds A..B       one run each, A to B inclusive`;

/** @returns the exit code */
export function leasesMain(argv: readonly string[], drawSeed: () => number): number {
  const { values } = parseArgs({
    args: [...argv],
    options: { seed: { type: 'string' }, seeds: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const [first, last = first] = (values.seeds ?? values.seed ?? String(drawSeed())).split('..').map(seedOf);
  let broken = 0;
  for (let seed = first ?? 0; seed <= (last ?? 0); seed++) {
    const outcome = simulateLeases(seed);
    const counts = [...outcome.counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([what, count]) => `${what} ${count}`);
    console.log(`seed ${seed}: ${counts.join(', ')}`);
    for (const { rule, atMs, what } of outcome.broken) console.log(`  ${rule} at ${atMs} ms: ${what}`);
    broken += outcome.broken.length;
  }
  return broken === 0 ? 0 : 1;
}

/** @throws Error naming the value */
function seedOf(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`a seed is a whole number, got ${JSON.stringify(text)}`);
  return Number(text);
}
