import type { TopLevelSpec } from 'vega-lite';
import type { TrialResult } from '../workloads/trial-result.ts';
import { spreadOf } from './spread.ts';

/** A chart and what its file is called. */
export interface Chart {
  readonly name: string;
  readonly spec: TopLevelSpec;
}

const COLOURS = ['#0b6e99', '#d1495b', '#edae49', '#66a182', '#8d5a97', '#444444'];
/** Below, everybody places everything. */
const RAMP_FROM = 0.6;
const SHORTEST_MS = 10;
const SIZE = { width: 560, height: 300 } as const;

/** The charts that say something about trials of one kind: same workload, same demand. */
export function chartsOf(results: readonly TrialResult[]): readonly Chart[] {
  const [first] = results;
  if (first === undefined) return [];
  const about = `${first.workload}, ${first.demand}, ${first.nodes} nodes, ${lossText(first.loss)}${seedsText(results)}`;
  const burst = first.demand.startsWith('burst');
  return [
    ...(first.bands.length > 0 ? [{ name: 'bands', spec: bands(results, about) }] : []),
    // A burst is over before there is anything to see of utilisation; without one, latencies are those of the links.
    burst ? { name: 'latency', spec: latency(results, about) } : { name: 'utilisation', spec: utilisation(results, about) },
    { name: 'messages', spec: messages(results, about) },
  ];
}

/** Share placed in each band of demand, mean over the seeds. */
function bands(results: readonly TrialResult[], about: string): TopLevelSpec {
  const labels = (results[0]?.bands ?? []).map(({ fromPercent, toPercent }) => `${fromPercent}–${toPercent} %`);
  const values = contendersOf(results).flatMap((contender) =>
    labels.map((band, i) => ({
      contender,
      band,
      placed: spreadOf(
        results
          .filter((result) => result.contender === contender)
          .map((result) => {
            const { submitted = 0, placed = 0 } = result.bands[i] ?? {};
            return submitted === 0 ? null : placed / submitted;
          }),
      )?.mean,
    })),
  );
  return {
    ...frame('Requests placed, by demand in percent of capacity', about),
    data: { values },
    mark: 'bar',
    encoding: {
      x: { field: 'band', type: 'nominal', sort: labels, title: 'demand', axis: { labelAngle: 0 } },
      xOffset: { field: 'contender', sort: [...contendersOf(results)] },
      y: { field: 'placed', type: 'quantitative', title: 'placed', axis: { format: '%' }, scale: { domain: [0, 1] } },
      color: colour(results),
    },
  };
}

/** Over demand in a ramp, over time else; a line per seed. */
function utilisation(results: readonly TrialResult[], about: string): TopLevelSpec {
  const ramp = results[0]?.demand === 'ramp';
  const values = results.flatMap(({ contender, seed, series }) =>
    series
      .filter(({ demand }) => !ramp || demand >= RAMP_FROM)
      .map(({ cpu, memory, demand, atSeconds }) => ({
        contender,
        seed,
        at: ramp ? demand : atSeconds / 60,
        utilisation: Math.max(cpu, memory),
      })),
  );
  return {
    ...frame('Utilisation, the larger of CPU and memory', about),
    data: { values },
    mark: { type: 'line', strokeWidth: 1.2, opacity: 0.8 },
    encoding: {
      x: ramp
        ? { field: 'at', type: 'quantitative', title: 'demand, of capacity', axis: { format: '%' }, scale: { domain: [RAMP_FROM, 1.06] } }
        : { field: 'at', type: 'quantitative', title: 'minutes' },
      y: {
        field: 'utilisation',
        type: 'quantitative',
        title: 'in use',
        axis: { format: '%' },
        scale: { domain: [ramp ? RAMP_FROM : 0, 1] },
      },
      detail: { field: 'seed' },
      color: colour(results),
    },
  };
}

/** How many were placed by when. Slow contenders would squeeze the others on a plain axis. */
function latency(results: readonly TrialResult[], about: string): TopLevelSpec {
  const values = results.flatMap(({ contender, seed, latencyPercentilesMs }) =>
    latencyPercentilesMs.map((took, percent) => ({ contender, seed, ms: Math.max(SHORTEST_MS, Math.round(took)), share: percent / 100 })),
  );
  return {
    ...frame('From request to answer, of what was placed', about),
    data: { values },
    mark: { type: 'line', strokeWidth: 1.5, opacity: 0.8 },
    encoding: {
      x: { field: 'ms', type: 'quantitative', title: 'ms', scale: { type: 'log' } },
      y: { field: 'share', type: 'quantitative', title: 'placed within', axis: { format: '%' } },
      order: { field: 'share' },
      detail: { field: 'seed' },
      color: colour(results),
    },
  };
}

function messages(results: readonly TrialResult[], about: string): TopLevelSpec {
  const mean = (contender: string, of: (result: TrialResult) => number) =>
    spreadOf(results.filter((result) => result.contender === contender).map(of))?.mean;
  const values = contendersOf(results).flatMap((contender) => [
    { contender, what: 'placing', messages: mean(contender, (result) => result.placementMessages) },
    { contender, what: 'upkeep', messages: mean(contender, (result) => result.upkeepMessages) },
  ]);
  return {
    ...frame('Messages per placement', about),
    height: 40 * contendersOf(results).length,
    data: { values },
    mark: 'bar',
    encoding: {
      y: { field: 'contender', type: 'nominal', sort: [...contendersOf(results)], title: null },
      x: { field: 'messages', type: 'quantitative', title: 'messages' },
      color: { field: 'what', type: 'nominal', title: null, scale: { range: [COLOURS[0] as string, COLOURS[2] as string] } },
    },
  };
}

function frame(text: string, subtitle: string) {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    ...SIZE,
    background: 'white',
    title: { text, subtitle, anchor: 'start' },
    config: { font: 'sans-serif', view: { stroke: null } },
  } as const;
}

function colour(results: readonly TrialResult[]) {
  return {
    field: 'contender',
    type: 'nominal',
    title: null,
    scale: { domain: [...contendersOf(results)], range: COLOURS },
  } as const;
}

const contendersOf = (results: readonly TrialResult[]): readonly string[] => [...new Set(results.map(({ contender }) => contender))];

const lossText = (loss: number): string => (loss === 0 ? '' : `${Number((loss * 100).toFixed(3))} % loss, `);

function seedsText(results: readonly TrialResult[]): string {
  const seeds = [...new Set(results.map(({ seed }) => seed))].toSorted((a, b) => a - b);
  return seeds.length === 1 ? `seed ${seeds[0]}` : `${seeds.length} seeds from ${seeds[0]}`;
}
