/**
 * The long tests: simulation over this release's seeds on all cores, then hosts that are killed, cut off
 * and restarted at random while containers are placed, addresses leased, networks made and packets watched, then
 * a machine with systemd. Prints each seed that failed with the command that repeats it; exit code 1 when a check failed.
 *
 *   node scripts/soak.ts [minutes of simulation, default 20] [minutes on hosts, default 18] [first seed, or "now"]
 *
 * The seeds are the same each time, from the first to the last, so that a change is judged by what it did and neither
 * by what was drawn nor by how far a fast machine gets: what fails in one place fails in every other. (What is chosen on
 * hosts is the same, too; when it happens is the machine's.) "now" looks where nobody has looked before, for all of the
 * minutes.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Of this release. A new one looks at others. */
const FIRST_SEED = 30_000_000;

const [simulationMinutes = 20, hostMinutes = 18] = process.argv.slice(2, 4).map(Number);
const firstSeed = firstSeedOf(process.argv[4]);
/** Batches of this release's seeds; a fast machine is done with them before the minutes are over. */
const BATCHES = process.argv[4] === 'now' ? Infinity : 400;

/** What failed, to be said again at the very end: who reads a log of an hour reads its end. */
const red: string[] = [];
/** Characters of each failure that are said again. */
const SAID_AGAIN = 6_000;

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

/** Instances of all sizes: the small ones often, for their rarer states; beyond 64 nodes nobody is asked directly any more. */
const NODES = [3, 4, 5, 8, 13, 20, 3, 5, 8, 40, 3, 6, 10, 16, 64, 4, 7, 90] as const;
const LOSS = [0, 0.01, 0.05, 0.01, 0.2] as const;

/** One core's share: a batch of seeds after another until the time is over. */
async function simulate(worker: number, until: number, firstSeed: number): Promise<{ seeds: number; failed: number }> {
  const workers = availableParallelism();
  let seeds = 0;
  let failed = 0;
  for (let turn = worker; turn < BATCHES && performance.now() < until; turn += workers) {
    const from = firstSeed + turn * BATCH;
    const nodes = NODES[turn % NODES.length] ?? 5;
    const loss = LOSS[turn % LOSS.length] ?? 0;
    const batch = nodes > 20 ? 1 : BATCH;
    const words = ['src/sim/main.ts', '--seeds', `${from}..${from + batch - 1}`, '--nodes', String(nodes), '--loss', String(loss)];
    const { code, output } = await run([process.execPath, ...words]);
    seeds += batch;
    if (code === 0) continue;
    failed++;
    const said = `exit code ${code} of: node ${words.join(' ')}\n${output.trimEnd().replace(/^/gm, '  ')}`;
    console.log(said);
    red.push(said.slice(0, SAID_AGAIN));
  }
  return { seeds, failed };
}

function firstSeedOf(word: string | undefined): number {
  if (word === 'now') return Math.floor(Date.now() / 1000) % 1_000_000_000;
  const seed = Number(word ?? FIRST_SEED);
  if (!Number.isInteger(seed) || seed < 0) throw new Error(`the first seed is a whole number or "now", got ${JSON.stringify(word)}`);
  return seed;
}

/** Seeds of one process; a large instance is one of its own. */
const BATCH = 5;

console.log(`simulation: ${simulationMinutes} min on ${availableParallelism()} cores, from seed ${firstSeed}`);
const until = performance.now() + simulationMinutes * 60_000;
const shares = await Promise.all(Array.from({ length: availableParallelism() }, (_, worker) => simulate(worker, until, firstSeed)));
const seeds = shares.reduce((sum, share) => sum + share.seeds, 0);
const failed = shares.reduce((sum, share) => sum + share.failed, 0);
console.log(`simulation: ${seeds} seeds, ${failed} batches failed`);

/** What happens to hosts, and each one's share of the minutes; the rest takes the time it takes. */
const ON_HOSTS: readonly (readonly [file: string, share: number])[] = [
  ['chaos', 6 / 18],
  ['agreement', 3 / 18],
  ['leases', 2 / 18],
  ['joining-and-leaving', 1 / 18],
  ['lost-nodes', 0],
  ['networks', 6 / 18],
  ['systemd', 0],
];
/** Of the test of networks: about as many of its operations as two cores get done in a minute. */
const OPERATIONS_PER_MINUTE = 500;

async function onHosts(file: string, minutes: number): Promise<void> {
  console.log(`hosts: ${file}, ${minutes > 0 ? `${minutes.toFixed(1)} min` : 'as long as it takes'}`);
  const env = {
    SOAK_MINUTES: String(minutes),
    SOAK_OPERATIONS: String(Math.round(minutes * OPERATIONS_PER_MINUTE)),
    SOAK_SEED: process.env['SOAK_SEED'] ?? String(firstSeed),
  };
  const child = spawn('vitest', ['run', '--project', 'soak', `test/soak/${file}.test.ts`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      process.stdout.write(data);
      output = (output + String(data)).slice(-20 * SAID_AGAIN);
    });
  }
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
  if (code === 0) return;
  const from = output.indexOf('Failed ');
  red.push(`hosts: ${file}\n${from === -1 ? output.slice(-SAID_AGAIN) : output.slice(from, from + SAID_AGAIN)}`);
}

for (const [file, share] of ON_HOSTS) await onHosts(file, share * hostMinutes);

console.log(red.length === 0 ? 'all held' : `did not hold:\n\n${red.join('\n\n')}`);
process.exitCode = red.length === 0 ? 0 : 1;
