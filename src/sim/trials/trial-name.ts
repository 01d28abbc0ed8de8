import type { TrialResult } from '../workloads/trial-result.ts';

/** What the files of a trial are called: `edge-burst-100-at-50-1000`, with `-loss-1` where 1 % of packets are lost. */
export function trialName(trial: Pick<TrialResult, 'workload' | 'demand' | 'nodes' | 'loss'>): string {
  const { workload, demand, nodes, loss } = trial;
  const words = [workload, demand, nodes, ...(loss > 0 ? ['loss', Number((loss * 100).toFixed(3))] : [])].join('-');
  return words.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-');
}
