import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asText, comparison } from '../charts/table.ts';
import { parseWorkloads } from '../workloads/parse-workloads.ts';
import type { TrialResult } from '../workloads/trial-result.ts';
import { runTrial } from '../workloads/trial.ts';
import type { Workload } from '../workloads/workload.ts';
import { CONTENDERS } from './contenders.ts';
import { keepResults } from './keep-results.ts';
import { ProgressLine } from './progress-line.ts';
import { parseTrialOptions, TRIAL_USAGE } from './trial-options.ts';
import type { TrialOptions } from './trial-options.ts';

const BENCH = join(import.meta.dirname, '..', '..', '..', 'bench');

/** Trials of who can place what: the same demand for each contender, over some seeds. @returns the exit code */
export async function trialMain(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    console.log(TRIAL_USAGE);
    return 0;
  }
  let options;
  let workload;
  try {
    options = parseTrialOptions(argv);
    workload = workloadOf(options);
  } catch (error) {
    console.error((error as Error).message);
    // What is wrong in a file is not told by how the program is called.
    if (options === undefined) console.error(TRIAL_USAGE);
    return 64;
  }
  let results;
  try {
    results = runAll(options, workload);
  } catch (error) {
    console.error(error);
    return 3;
  }
  console.log(asText(comparison(results)));
  if (options.out !== undefined) {
    const files = await keepResults(results, options.out);
    console.error(`written to ${options.out}: ${files.join(', ')}`);
  }
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
      try {
        const result = runTrial({ workload, demand, nodes, seed, loss }, CONTENDERS[name], (progress) => line.show(progress));
        line.end(result);
        return result;
      } catch (error) {
        throw new Error(`${name}, seed ${seed}, threw`, { cause: error });
      }
    }),
  );
}
