import { expect, test } from 'vitest';
import { CHAOS_SUBNETS, leaseChaos } from '../../../test/lab/lease-chaos.ts';
import { LeaseLab } from '../../../test/lab/lease-lab.ts';
import { testSeed } from '../../../test/seed.ts';

/** Of work and faults; the members take about as long again to come up. */
const CHAOS_MS = 9_000;

test('over real members, amid kills and pulled cables, no address ever has two owners', async ({ onTestFinished }) => {
  const seed = testSeed();
  console.log(`seed ${seed}: repeat with SEED=${seed}`);
  const lab = await LeaseLab.up(3, CHAOS_SUBNETS);
  onTestFinished(() => lab.down());
  const counts = await leaseChaos(lab, seed, CHAOS_MS);
  console.log(JSON.stringify(counts));
  expect(counts['granted']).toBeGreaterThan(50);
});
