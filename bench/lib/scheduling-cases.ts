import type { TrialResult } from '../../src/sim/workloads/trial-result.ts';

/** A kind of trial of the matrix. */
export interface Case {
  readonly group: Group;
  readonly args: readonly string[];
  /** Which results are of it, whatever the number of nodes. */
  readonly is: Pick<TrialResult, 'workload' | 'demand' | 'loss'>;
}

export const GROUPS = ['ramp', 'rates', 'burst', 'churn', 'loss'] as const;
export type Group = (typeof GROUPS)[number];

const burst = (requests: number, preload: number) => ['--demand', 'burst', '--requests', String(requests), '--preload', String(preload)];
const churn = (session: number) => ['--demand', 'churn', '--session', String(session)];
const edge = (demand: string, loss = 0) => ({ workload: 'edge', demand, loss });

export const CASES: readonly Case[] = [
  { group: 'ramp', args: ['--demand', 'ramp'], is: edge('ramp') },
  ...['main', 'regular', 'steady'].map(
    (workload): Case => ({
      group: 'rates',
      args: ['--workload', workload, '--demand', 'rates'],
      is: { workload, demand: 'rates', loss: 0 },
    }),
  ),
  { group: 'burst', args: burst(100, 50), is: edge('burst 100% at 50%') },
  { group: 'burst', args: burst(10, 80), is: edge('burst 10% at 80%') },
  { group: 'burst', args: burst(100, 80), is: edge('burst 100% at 80%') },
  { group: 'churn', args: churn(1), is: edge('churn, 1 h sessions') },
  { group: 'churn', args: churn(24), is: edge('churn, 24 h sessions') },
  ...[0.01, 0.05].flatMap((loss): readonly Case[] => [
    { group: 'loss', args: ['--demand', 'ramp', '--loss', String(loss)], is: edge('ramp', loss) },
    { group: 'loss', args: [...burst(100, 50), '--loss', String(loss)], is: edge('burst 100% at 50%', loss) },
  ]),
];

export function isOf({ is }: Case, { workload, demand, loss }: TrialResult): boolean {
  return is.workload === workload && is.demand === demand && is.loss === loss;
}
