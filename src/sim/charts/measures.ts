import type { Band, TrialResult } from '../workloads/trial-result.ts';

/** A figure of a trial, for people. */
export interface Measure {
  readonly name: string;
  /** Null: this trial has none. */
  readonly of: (result: TrialResult) => number | null;
  readonly format: (value: number) => string;
}

const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
const fine = (value: number): string => `${(value * 100).toFixed(3)} %`;
const whole = (value: number): string => value.toFixed(0);
const tenths = (value: number): string => value.toFixed(1);
const hundredths = (value: number): string => value.toFixed(2);
const thousandths = (value: number): string => value.toFixed(3);
const ms = (value: number): string => `${value.toFixed(0)} ms`;

const perRequest = (part: number, { submitted }: TrialResult): number => part / Math.max(1, submitted);

const BEFORE_BANDS: readonly Measure[] = [
  { name: 'requests', of: (r) => r.submitted, format: whole },
  { name: 'placed', of: (r) => perRequest(r.placed, r), format: percent },
  { name: 'placed, by CPU', of: (r) => r.placedCpu, format: percent },
  { name: 'placed, by memory', of: (r) => r.placedMemory, format: percent },
  { name: 'refused though a node had room', of: (r) => perRequest(r.feasibleRefused, r), format: fine },
];

const AFTER_BANDS: readonly Measure[] = [
  { name: 'utilisation at the first 1 % refused', of: (r) => r.utilisationAtFirstRefusals, format: percent },
  { name: 'utilisation at the end, CPU', of: (r) => r.utilisationEnd.cpu, format: percent },
  { name: 'utilisation at the end, memory', of: (r) => r.utilisationEnd.memory, format: percent },
  { name: 'messages per placement', of: (r) => r.placementMessages + r.upkeepMessages, format: hundredths },
  { name: '… of it upkeep', of: (r) => r.upkeepMessages, format: hundredths },
  { name: 'beside them, for names', of: (r) => (r.nameMessages > 0 ? r.nameMessages : null), format: hundredths },
  { name: 'serial hops, mean', of: (r) => r.hops.mean, format: hundredths },
  { name: 'serial hops, p99', of: (r) => r.hops.p99, format: tenths },
  { name: 'latency, mean', of: (r) => r.latencyMs.mean, format: ms },
  { name: 'latency, p50', of: (r) => r.latencyMs.p50, format: ms },
  { name: 'latency, p99', of: (r) => r.latencyMs.p99, format: ms },
  { name: 'refused reserves per placement', of: (r) => r.refusedReserves, format: thousandths },
  { name: 'hottest node, messages/s, peak', of: (r) => r.hottestPeak, format: whole },
  { name: 'hottest node, messages/s, mean', of: (r) => r.hottestMean, format: hundredths },
  { name: 'bytes per placement', of: (r) => r.bytes, format: whole },
];

/** Shown only where there is something to tell. */
const MISHAPS: readonly Measure[] = [
  { name: 'orphaned: its own node failed', of: (r) => r.orphaned, format: whole },
  { name: 'containers lost with their nodes', of: (r) => r.lostWithNodes, format: whole },
  { name: 'UNANSWERED', of: (r) => r.unanswered, format: whole },
  { name: 'OVERSOLD', of: (r) => r.oversold, format: whole },
];

/** What to tell about trials of one kind. */
export function measuresFor(results: readonly TrialResult[]): readonly Measure[] {
  const bands = results[0]?.bands ?? [];
  return [
    ...BEFORE_BANDS,
    ...bands.map((band, i) => ofBand('placed', band, i, ({ placed, submitted }) => placed / submitted, percent)),
    ...bands.map((band, i) => ofBand('messages per request', band, i, ({ messagesPerRequest }) => messagesPerRequest, tenths)),
    ...AFTER_BANDS,
    ...MISHAPS.filter(({ of }) => results.some((result) => (of(result) ?? 0) > 0)),
  ].filter(({ of }) => results.some((result) => of(result) !== null));
}

function ofBand(what: string, { fromPercent, toPercent }: Band, i: number, of: (band: Band) => number, format: Measure['format']): Measure {
  const figure = ({ bands }: TrialResult) => {
    const band = bands[i];
    return band === undefined || band.submitted === 0 ? null : of(band);
  };
  return { name: `${what} at demand ${fromPercent}–${toPercent} %`, of: figure, format };
}
