/**
 * The long tests: simulation over many fresh seeds on all cores, then hosts that are killed, cut off
 * and restarted at random while containers are placed, then a machine with systemd. Prints every seed; exit code 1 when a check failed.
 *
 *   node scripts/soak.ts [minutes of simulation, default 10] [minutes on hosts, default 8]
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

const [simulationMinutes = 10, hostMinutes = 8] = process.argv.slice(2).map(Number);

function run(words: readonly string[]): Promise<{ code: number; output: string }> {
  const [program = '', ...args] = words;
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data) => (output += String(data)));
    child.stderr.on('data', (data) => (output += String(data)));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** One core's share: a batch of seeds after another until the time is over. */
async function simulate(worker: number, until: number, firstSeed: number): Promise<{ seeds: number; failed: number }> {
  const batch = 5;
  const workers = availableParallelism();
  let seeds = 0;
  let failed = 0;
  for (let i = 0; performance.now() < until; i++) {
    const from = firstSeed + (i * workers + worker) * batch;
    const nodes = [3, 5, 8, 13, 20][i % 5] ?? 5;
    const loss = [0, 0.01, 0.05, 0.2][i % 4] ?? 0;
    const { code, output } = await run([
      process.execPath,
      'src/sim/main.ts',
      '--seeds',
      `${from}..${from + batch - 1}`,
      '--nodes',
      String(nodes),
      '--loss',
      String(loss),
    ]);
    seeds += batch;
    if (code === 0) continue;
    failed++;
    console.log(
      `seeds ${from}..${from + batch - 1} at ${nodes} nodes, loss ${loss}: exit code ${code}\n${output.trimEnd().replace(/^/gm, '  ')}`,
    );
  }
  return { seeds, failed };
}

// From the clock: each soak looks at seeds that none looked at before. The seed says how to repeat it.
const firstSeed = Math.floor(Date.now() / 1000) % 1_000_000_000;
console.log(`simulation: ${simulationMinutes} min on ${availableParallelism()} cores, from seed ${firstSeed}`);
const until = performance.now() + simulationMinutes * 60_000;
const shares = await Promise.all(Array.from({ length: availableParallelism() }, (_, worker) => simulate(worker, until, firstSeed)));
const seeds = shares.reduce((sum, share) => sum + share.seeds, 0);
const failed = shares.reduce((sum, share) => sum + share.failed, 0);
console.log(`simulation: ${seeds} seeds, ${failed} batches failed`);

console.log(`hosts: ${hostMinutes} min of kills, pulled cables and placements, then a machine with systemd, 5 min or so`);
const hosts = spawn('vitest', ['run', '--project', 'soak'], {
  stdio: 'inherit',
  env: { ...process.env, SOAK_MINUTES: String(hostMinutes) },
});
const hostCode = await new Promise<number>((resolve) => {
  hosts.on('error', () => resolve(127));
  hosts.on('close', (code) => resolve(code ?? 1));
});
process.exitCode = failed > 0 || hostCode !== 0 ? 1 : 0;
