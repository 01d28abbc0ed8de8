import { assertNever } from '../../src/lib/assert.ts';
import { spreadOf, spreadText } from '../../src/sim/charts/spread.ts';
import type { TrialResult } from '../../src/sim/workloads/trial-result.ts';
import type { Case } from './scheduling-cases.ts';

/** What is asked of a figure; `undefined`: it is only reported. */
interface Bound {
  readonly text: string;
  readonly met: (value: number) => boolean;
}

interface Figure {
  readonly name: string;
  readonly of: (result: TrialResult) => number | null;
  readonly format: (value: number) => string;
  readonly bound?: Bound;
  /** Whether the oracle's is told beside it. */
  readonly besideOracle?: boolean;
}

const percent = (digits: number) => (value: number) => `${(value * 100).toFixed(digits)} %`;
const digits = (count: number) => (value: number) => value.toFixed(count);
const ms = (value: number) => `${value.toFixed(0)} ms`;
const atMost = (most: number, text: string): Bound => ({ text: `≤ ${text}`, met: (value) => value <= most });
const atLeast = (least: number, text: string): Bound => ({ text: `≥ ${text}`, met: (value) => value >= least });
const exactly = (wanted: number, text: string): Bound => ({ text, met: (value) => value === wanted });

const byCount: Figure = { name: 'placed, by count', of: (r) => r.placed / r.submitted, format: percent(1), besideOracle: true };
const byResources: Figure = {
  name: 'placed, by resources',
  of: (r) => (r.placedCpu + r.placedMemory) / 2,
  format: percent(1),
  besideOracle: true,
};
const messages: Figure = {
  name: 'messages per placement, with those of refusals',
  of: (r) => r.placementMessages + r.upkeepMessages,
  format: digits(2),
  bound: atMost(8, '8'),
};
const hops: Figure = { name: 'serial hops, p99', of: (r) => r.hops.p99, format: digits(1), bound: atMost(10, '10') };
const refusedReserves: Figure = { name: 'refused reserves per placement', of: (r) => r.refusedReserves, format: digits(3) };
const peak: Figure = { name: 'hottest node, messages in its worst second', of: (r) => r.hottestPeak, format: digits(0) };
const hottest: Figure = { name: 'hottest node, messages/s on average', of: (r) => r.hottestMean, format: digits(2) };
const oversold: Figure = { name: 'oversold', of: (r) => r.oversold, format: digits(0), bound: exactly(0, 'never') };
const p99: Figure = { name: 'latency p99', of: (r) => r.latencyMs.p99, format: ms };
const withRoom: Figure = { name: 'refused though a node had room', of: (r) => r.feasibleRefused / r.submitted, format: percent(3) };
const all: Figure = { ...byCount, besideOracle: false, bound: exactly(1, '100 %') };

/** Messages while demand was at most 95 % of capacity, where nearly nothing is refused. */
const messagesTo95: Figure = {
  name: 'messages per request, demand to 95 %',
  of: ({ bands }) => {
    const until = bands.filter(({ toPercent }) => toPercent <= 95);
    const submitted = until.reduce((sum, band) => sum + band.submitted, 0);
    return submitted === 0 ? null : until.reduce((sum, band) => sum + band.messagesPerRequest * band.submitted, 0) / submitted;
  },
  format: digits(2),
};
const utilisation: Figure = {
  name: 'utilisation at the first window with 1 % refused',
  of: (r) => r.utilisationAtFirstRefusals,
  format: percent(1),
  bound: atLeast(0.93, '93 %'),
  besideOracle: true,
};

function figuresOf({ group, is }: Case): readonly Figure[] {
  switch (group) {
    case 'ramp':
      return [byCount, byResources, utilisation, withRoom, messages, messagesTo95, hops, p99, refusedReserves, hottest, peak, oversold];
    case 'rates':
      return [byCount, byResources, withRoom, messages, hops, refusedReserves, hottest, peak, oversold];
    case 'burst':
      return is.demand === 'burst 100% at 80%'
        ? [byCount, withRoom, p99, refusedReserves, peak, oversold]
        : [all, { ...p99, bound: atMost(600, '600 ms') }, hops, refusedReserves, peak, oversold];
    case 'churn':
      return [byCount, { ...withRoom, bound: atMost(0.0005, '0.05 %') }, p99, refusedReserves, hottest, oversold];
    case 'loss':
      return [
        is.demand === 'ramp' ? { ...byCount, besideOracle: true } : all,
        { ...withRoom, bound: exactly(0, 'none') },
        is.loss <= 0.01 ? { ...p99, bound: atMost(2_000, '2 s') } : p99,
        oversold,
      ];
    default:
      return assertNever(group);
  }
}

export const VERDICT_HEAD = ['', 'nodes', 'measured', 'oracle', 'asked', 'met'] as const;

/** A row per figure of a case at one number of nodes; means over the seeds, ± standard deviation. */
export function verdicts(of: Case, nodes: number, results: readonly TrialResult[]): readonly (readonly string[])[] {
  const figures = (contender: string, figure: Figure) =>
    spreadOf(results.filter((result) => result.contender === contender).map((result) => figure.of(result)));
  const { workload, demand, loss } = of.is;
  const what = `${workload}, ${demand}${loss > 0 ? `, ${loss * 100} % loss` : ''}`;
  return figuresOf(of).flatMap((figure) => {
    const measured = figures('caravela', figure);
    if (measured === undefined) return [];
    const oracle = figure.besideOracle === true ? figures('oracle', figure) : undefined;
    return [
      [
        `${what}: ${figure.name}`,
        String(nodes),
        spreadText(measured, figure.format),
        oracle === undefined ? '' : spreadText(oracle, figure.format),
        figure.bound?.text ?? '',
        figure.bound === undefined ? '' : figure.bound.met(measured.mean) ? 'yes' : 'NO',
      ],
    ];
  });
}
