import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartsOf } from '../charts/charts.ts';
import { draw } from '../charts/draw.ts';
import { asMarkdown, asText, comparison } from '../charts/table.ts';
import { parseWorkloads } from '../workloads/parse-workloads.ts';
import type { TrialResult } from '../workloads/trial-result.ts';
import { runTrial } from '../workloads/trial.ts';
import type { Workload } from '../workloads/workload.ts';
import { CONTENDERS } from './contenders.ts';
import { ProgressLine } from './progress-line.ts';
import { trialName } from './trial-name.ts';
import { parseTrialOptions, TRIAL_USAGE } from './trial-options.ts';
import type { TrialOptions } from './trial-options.ts';

const BENCH = join(import.meta.dirname, '..', '..', '..', 'bench');

/** Trials of who can place what: the same demand for each contender, over some seeds. @returns the exit code */
export async function trialMain(argv: readonly string[]): Promise<number> {
  let options;
  let workload;
  try {
    options = parseTrialOptions(argv);
    workload = workloadOf(options);
  } catch (error) {
    console.error(`${(error as Error).message}\n${TRIAL_USAGE}`);
    return 64;
  }
  const results = runAll(options, workload);
  console.log(asText(comparison(results)));
  await keep(results, options);
  return results.some(({ unanswered, oversold }) => unanswered + oversold > 0) ? 1 : 0;
}

function workloadOf({ file, workload, demand }: TrialOptions): Workload {
  const path = file ?? join(BENCH, 'workloads', 'caravela.json');
  let all;
  try {
    all = parseWorkloads(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
  const found = all.get(workload);
  if (found === undefined) throw new Error(`${path} has no workload ${JSON.stringify(workload)}, only ${[...all.keys()].join(', ')}`);
  if (demand.kind === 'rates' && found.rates === undefined)
    throw new Error(`workload ${workload} of ${path} has no rates of its own; ask for --demand ramp, burst or churn`);
  return found;
}

function runAll({ demand, nodes, seeds, contenders, loss }: TrialOptions, workload: Workload): readonly TrialResult[] {
  return seeds.flatMap((seed) =>
    contenders.map((name) => {
      const line = new ProgressLine(`${name}, seed ${seed}`);
      const result = runTrial({ workload, demand, nodes, seed, loss }, CONTENDERS[name], (progress) => line.show(progress));
      line.end(result);
      return result;
    }),
  );
}

/** Replaces what the last trial of this kind left. */
async function keep(results: readonly TrialResult[], { out }: TrialOptions): Promise<void> {
  const [first] = results;
  if (first === undefined) return;
  const dir = out ?? join(BENCH, 'results', 'scheduling');
  const name = trialName(first);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, `${name}.json`), `${JSON.stringify(results)}\n`);
  const charts = chartsOf(results);
  for (const chart of charts) writeFileSync(join(dir, `${name}-${chart.name}.svg`), await draw(chart.spec));
  const images = charts.map((chart) => `![${chart.name}](${name}-${chart.name}.svg)`);
  const seeds = [...new Set(results.map(({ seed }) => seed))];
  const head = `# ${first.workload}, ${first.demand}, ${first.nodes} nodes\n\nSeeds ${seeds.join(', ')}; packet loss ${first.loss * 100} %.`;
  writeFileSync(join(dir, `${name}.md`), `${[head, asMarkdown(comparison(results)), ...images].join('\n\n')}\n`);
  console.error(`written: ${join(dir, name)}.json, .md, ${charts.map((chart) => `-${chart.name}.svg`).join(', ')}`);
}
