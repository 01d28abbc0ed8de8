/**
 * Placement in simulation: our own machines against an oracle, a master and random probing, on seeds that
 * nothing was tuned on. What is measured and against what: bench/README.md.
 *
 *   node bench/scheduling.ts [--nodes 1000,10000] [--only ramp,rates,burst,churn,loss] [--seeds 101..105] [--jobs N]
 *
 * Each kind of trial leaves a table, charts and its figures in results/scheduling; results/scheduling.md is
 * made anew from all that are there, so that parts can be run apart. `--report` runs nothing and only does that.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { keepResults } from '../src/sim/trials/keep-results.ts';
import { trialName } from '../src/sim/trials/trial-name.ts';
import type { TrialResult } from '../src/sim/workloads/trial-result.ts';
import { machine, today } from './lib/machine.ts';
import { writeResult } from './lib/result.ts';
import { CASES, GROUPS, isOf } from './lib/scheduling-cases.ts';
import type { Case } from './lib/scheduling-cases.ts';
import { VERDICT_HEAD, verdicts } from './lib/scheduling-verdicts.ts';
import { table } from './lib/stats.ts';
import { runJobs } from './lib/trial-jobs.ts';

const DIR = join(import.meta.dirname, 'results', 'scheduling');
/** Much, and only charts need them; a rerun makes them again. */
const NOT_KEPT = ['series', 'latencyPercentilesMs'] as const;

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000,10000' },
    only: { type: 'string', default: GROUPS.join(',') },
    seeds: { type: 'string', default: '101..105' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    report: { type: 'boolean', default: false },
  },
});
const sizes = values.nodes.split(',').map((nodes) => whole('nodes', nodes));
const groups = values.report ? [] : values.only.split(',');
for (const group of groups)
  if (!GROUPS.some((known) => known === group)) throw new Error(`--only is of ${GROUPS.join(', ')}, got ${JSON.stringify(group)}`);
const [first = 0, last = first] = values.seeds.split('..').map((seed) => whole('seeds', seed));
const seeds = Array.from({ length: last - first + 1 }, (_, i) => first + i);

// The longest first, so that the end is not one process alone.
const wanted = sizes
  .toSorted((a, b) => b - a)
  .flatMap((nodes) => CASES.filter(({ group }) => groups.includes(group)).map((of) => ({ of, nodes, results: [] as TrialResult[] })));
const jobs = wanted.flatMap((trial) =>
  seeds.map((seed) => ({
    trial,
    label: `${titleOf(trial.of)}, ${trial.nodes} nodes, seed ${seed}`,
    args: [...trial.of.args, '--nodes', String(trial.nodes), '--seeds', String(seed)],
  })),
);
const kept: Promise<unknown>[] = [];
const failed = await runJobs(jobs, whole('jobs', values.jobs), ({ trial }, results) => {
  trial.results.push(...results);
  if (new Set(trial.results.map(({ seed }) => seed)).size < seeds.length) return;
  kept.push(keepResults(inOrder(trial.results), DIR, NOT_KEPT));
});
await Promise.all(kept);
writeResult('scheduling', report(existsSync(DIR) ? readdirSync(DIR).filter((name) => name.endsWith('.json')) : []));
if (failed.length > 0) {
  console.error(`failed: ${failed.join('; ')}`);
  process.exitCode = 1;
}

/** Contenders as one trial has them, each by its seeds, whoever was done first. */
function inOrder(results: readonly TrialResult[]): readonly TrialResult[] {
  return results.toSorted((a, b) => a.seed - b.seed);
}

function report(files: readonly string[]): string {
  const trials = files.map((file) => JSON.parse(readFileSync(join(DIR, file), 'utf8')) as readonly TrialResult[]);
  const known = CASES.flatMap((of) =>
    trials
      .filter(([one]) => one !== undefined && isOf(of, one))
      .map((results) => ({ of, results, nodes: results[0]?.nodes ?? 0 }))
      .toSorted((a, b) => a.nodes - b.nodes),
  );
  const rows = known.flatMap(({ of, nodes, results }) => verdicts(of, nodes, results));
  const links = known.map(({ of, results }) => {
    const name = trialName(results[0] as TrialResult);
    return `- [${titleOf(of)}, ${results[0]?.nodes} nodes](scheduling/${name}.md)`;
  });
  return `# Placement, simulated

${today()}; ${machine()}; seeds ${[...new Set(known.flatMap(({ results }) => results.map(({ seed }) => seed)))].toSorted((a, b) => a - b).join(', ')}.

Means over the seeds, ± standard deviation. Links of 5–80 ms one way.

${table(VERDICT_HEAD, rows)}

With the other contenders, and charts:

${links.join('\n')}

Rerun: \`node bench/scheduling.ts\` (all of it takes hours; \`bench/README.md\` says how to run parts).
`;
}

function titleOf({ is: { workload, demand, loss } }: Case): string {
  return `${workload}, ${demand}${loss > 0 ? `, ${loss * 100} % loss` : ''}`;
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${option} needs whole numbers from 1, got ${JSON.stringify(text)}`);
  return value;
}
