import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { shortId } from '../../core/model/index.ts';
import type { Recovered } from '../port.ts';
import { OciBench } from './oci-bench.test-suite.ts';
import { testSeed } from '../../../test/seed.ts';

const CRASHES = 12;
const LONGEST_LIFE_MS = 400;

it('leaks nothing, whenever the daemon is killed', { timeout: 120_000 }, async () => {
  const seed = testSeed();
  console.log(`SEED=${seed}`);
  // An LCG (Numerical Recipes): moments to die at need no better.
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const bench = new OciBench();
  const crash = async (): Promise<void> => {
    const script = fileURLToPath(new URL('./crash-victim.test-suite.ts', import.meta.url));
    const victim = spawn(process.execPath, [script, bench.dataDir, bench.runDir, bench.nodeShortId, join(bench.dir, 'layer')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(victim, 'exit');
    await Promise.race([once(victim.stdout, 'data'), exited]);
    await delay(random() * LONGEST_LIFE_MS);
    victim.kill('SIGKILL');
    expect(await exited).toEqual([null, 'SIGKILL']);
  };
  try {
    for (let n = 0; n < CRASHES; n++) {
      // Every other daemon recovers from the one before by itself; here we look on.
      await crash();
      if (n % 2 === 0) continue;
      const engine = await bench.open();
      const found = await engine.recover(() => true);
      expect(unexpected(await bench.traces(), found)).toEqual([]);
      expect(readdirSync(join(bench.dataDir, 'containers')).toSorted()).toEqual(found.map((each) => each.containerId).toSorted());
      await engine.close();
    }
    const engine = await bench.open();
    expect(await engine.recover(() => false)).toEqual([]);
    expect(await bench.traces()).toEqual([]);
    expect(readdirSync(join(bench.dataDir, 'containers'))).toEqual([]);
  } finally {
    await bench.destroy();
  }
});

/** Traces of anything but running containers and what was started in them. */
function unexpected(traces: readonly string[], found: readonly Recovered[]): string[] {
  const running = found.filter((each) => each.state === 'running').map((each) => each.containerId);
  return traces.filter((trace) => !running.some((id) => trace.includes(id) || trace.includes(`/execs/${shortId(id)}-`)));
}
