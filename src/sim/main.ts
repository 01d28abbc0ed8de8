import { Node } from '../core/node/node.ts';
import { durationFor, nodesFor } from './nodes-for.ts';
import { parseOptions, USAGE } from './options.ts';
import type { Options } from './options.ts';
import { exitCodeOf } from './outcome.ts';
import { report, summaryLine } from './report.ts';
import { simulate } from './simulate.ts';

/** The second main over the core: the same Node in virtual time. The worst run gives the exit code. */
function main(options: Options): number {
  let worst = 0;
  for (const seed of options.seeds) {
    console.log(`seed ${seed}`);
    const nodes = options.nodes ?? nodesFor(seed);
    const outcome = simulate({
      seed,
      nodes,
      durationMs: options.durationMs ?? durationFor(nodes),
      loss: options.loss,
      createCore: (config, kept) => new Node(config, kept),
      print: options.verbose ? (line) => console.log(line) : undefined,
    });
    const code = exitCodeOf(outcome);
    console.log(options.seeds.length === 1 || code !== 0 ? report(outcome) : summaryLine(outcome));
    worst = Math.max(worst, code);
  }
  return worst;
}

const drawSeed = () => Date.now() % 0x1_0000_0000;
const argv = process.argv.slice(2);
try {
  const [command, ...rest] = argv;
  // Read only when asked for: the charts' library costs each of a soak's thousands of processes its start.
  if (command === 'trial') process.exitCode = await (await import('./trials/trial-main.ts')).trialMain(rest);
  else if (command === '--help' || command === '-h') console.log(USAGE);
  else if (command === 'membership') process.exitCode = (await import('./membership-scale/scale-main.ts')).scaleMain(rest);
  else if (command === 'leases') process.exitCode = (await import('./leases/leases-main.ts')).leasesMain(rest, drawSeed);
  else process.exitCode = main(parseOptions(argv, drawSeed));
} catch (error) {
  console.error(`${(error as Error).message}\n${USAGE}`);
  process.exitCode = 64;
}
