/** Leased addresses over real agreement members for as long as SOAK_MINUTES says; SOAK_SEED repeats a run's choices. */
import { expect, test } from 'vitest';
import { CHAOS_SUBNETS, leaseChaos } from '../lab/lease-chaos.ts';
import { LeaseLab } from '../lab/lease-lab.ts';

const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 1);
const SEED = Number(process.env['SOAK_SEED'] ?? Math.floor(Date.now() / 1000) % 1_000_000);
/** Each round begins with a fresh agreement. */
const ROUND_MS = 120_000;

test('no address ever has two owners', { timeout: (2 * MINUTES + 5) * 60_000 }, async () => {
  console.log(`seed ${SEED}: repeat with SOAK_SEED=${SEED} SOAK_MINUTES=${MINUTES}`);
  const endMs = performance.now() + MINUTES * 60_000;
  for (let round = 0; performance.now() < endMs; round++) {
    const lab = await LeaseLab.up(3, CHAOS_SUBNETS);
    try {
      const counts = await leaseChaos(lab, SEED + round, Math.min(ROUND_MS, Math.max(1_000, endMs - performance.now())));
      console.log(`round ${round}: ${JSON.stringify(counts)}`);
      expect(counts['granted']).toBeGreaterThan(0);
    } finally {
      await lab.down();
    }
  }
});
