/** Of this release. A new one looks at others. */
const RELEASE_SEED = 30_000_000;

/**
 * What a test that chooses at random begins with. It is the same each time, so that a change is judged by what it did
 * and not by what was drawn: what fails in one place fails in every other. `SEED=now` looks where nobody has looked
 * before, `SEED=number` repeats what such a run printed.
 */
export function testSeed(): number {
  const word = process.env['SEED'];
  if (word === 'now') return Date.now() % 2 ** 31;
  const seed = Number(word || RELEASE_SEED);
  if (!Number.isSafeInteger(seed)) throw new Error(`SEED is a whole number or "now", got ${JSON.stringify(word)}`);
  return seed;
}
