import { NO_RESOURCES, add } from '../../core/model/index.ts';
import type { Resources } from '../../core/model/index.ts';
import type { Ask, Contender, Outcome, PlacementTraffic } from './contender.ts';
import { largerShare } from './ledger.ts';
import { Series } from './series.ts';
import type { Band, TrialResult, Utilisation } from './trial-result.ts';

interface OpenBand {
  readonly fromPercent: number;
  readonly toPercent: number;
  submitted: number;
  placed: number;
  feasibleRefused: number;
  messages: number;
}

/** Counts what becomes of the asks of one trial, from when it was made. */
export class Tally {
  readonly #contender: Contender;
  /** All of it, when nothing had failed. */
  readonly #capacity: Resources;
  readonly #windowSize: number;
  readonly #bands: readonly OpenBand[];
  readonly #bandOf = new Map<number, OpenBand>();
  readonly #series: Series;
  readonly #before: PlacementTraffic;
  readonly #utilisationBefore: Utilisation;
  readonly #tookMs: number[] = [];
  readonly #hops: number[] = [];
  #submitted = 0;
  #refused = 0;
  #feasibleRefused = 0;
  #orphaned = 0;
  #asked = NO_RESOURCES;
  #given = NO_RESOURCES;
  #window = { settled: 0, refused: 0 };
  #atFirstRefusals: number | null = null;
  #messagesAtBand = 0;

  /** @param bandEnds percents of capacity at which a band of demand ends, rising; none where demand is no ramp */
  constructor(contender: Contender, nodes: number, capacity: Resources, bandEnds: readonly number[]) {
    this.#contender = contender;
    this.#capacity = capacity;
    this.#windowSize = Math.max(LEAST_WINDOW, Math.floor(nodes / 20));
    this.#bands = bandEnds.map((toPercent, i) => {
      return { fromPercent: bandEnds[i - 1] ?? 0, toPercent, submitted: 0, placed: 0, feasibleRefused: 0, messages: 0 };
    });
    this.#series = new Series(contender.schedule.nowMs);
    this.#before = { ...totals(contender.traffic) };
    this.#messagesAtBand = messagesOf(this.#before);
    this.#utilisationBefore = utilisationOf(contender);
  }

  get submitted(): number {
    return this.#submitted;
  }

  get placed(): number {
    return this.#tookMs.length;
  }

  /** What was submitted, the larger of CPU and memory, as a share of all capacity. */
  get demand(): number {
    return largerShare(this.#asked, this.#capacity);
  }

  onSubmitted(ask: Ask): void {
    const before = this.#bandAt(this.demand);
    this.#submitted++;
    this.#asked = add(this.#asked, ask.resources);
    const band = this.#bandAt(this.demand);
    if (band === undefined) return;
    if (before !== band) this.#closeBand(before);
    band.submitted++;
    this.#bandOf.set(ask.id, band);
  }

  onPlaced(ask: Ask, outcome: Outcome): void {
    this.#tookMs.push(outcome.tookMs);
    this.#hops.push(outcome.hops);
    this.#given = add(this.#given, ask.resources);
    const band = this.#leaveBand(ask);
    if (band !== undefined) band.placed++;
    this.#settled(false);
  }

  onRefused(ask: Ask): void {
    const feasible = this.#contender.fitsSomewhere(ask);
    this.#refused++;
    if (feasible) this.#feasibleRefused++;
    const band = this.#leaveBand(ask);
    if (band !== undefined && feasible) band.feasibleRefused++;
    this.#settled(true);
  }

  onOrphaned(ask: Ask): void {
    this.#leaveBand(ask);
    this.#orphaned++;
  }

  /** To be called often; it keeps a sample now and then. */
  sample(): void {
    this.#series.add(this.#contender.schedule.nowMs, () => ({
      ...utilisationOf(this.#contender),
      demand: this.demand,
      submitted: this.#submitted,
      placed: this.placed,
      refused: this.#refused,
      messages: messagesOf(this.#contender.traffic) - messagesOf(this.#before),
    }));
  }

  /** Ends the count. */
  result(): Omit<TrialResult, 'workload' | 'demand' | 'nodes' | 'seed' | 'loss' | 'oversold' | 'lostWithNodes'> {
    const { traffic, schedule, name } = this.#contender;
    this.#closeBand(this.#bandAt(this.demand));
    const per = (now: number, before: number) => (now - before) / Math.max(1, this.placed);
    const took = this.#tookMs.toSorted((a, b) => a - b);
    const hops = this.#hops.toSorted((a, b) => a - b);
    return {
      contender: name,
      virtualSeconds: schedule.nowMs / 1_000,
      submitted: this.#submitted,
      placed: this.placed,
      refused: this.#refused,
      feasibleRefused: this.#feasibleRefused,
      orphaned: this.#orphaned,
      unanswered: this.#submitted - this.placed - this.#refused - this.#orphaned,
      placedCpu: this.#given.cpuMillicores / Math.max(1, this.#asked.cpuMillicores),
      placedMemory: this.#given.memoryBytes / Math.max(1, this.#asked.memoryBytes),
      bands: this.#bands.map(closed),
      utilisationAtFirstRefusals: this.#atFirstRefusals,
      utilisationBefore: this.#utilisationBefore,
      utilisationEnd: utilisationOf(this.#contender),
      series: this.#series.samples,
      placementMessages: per(traffic.placement, this.#before.placement),
      upkeepMessages: per(traffic.upkeep, this.#before.upkeep),
      nameMessages: per(traffic.names ?? 0, this.#before.names ?? 0),
      bytes: per(traffic.bytes, this.#before.bytes),
      refusedReserves: per(traffic.refusedReserves, this.#before.refusedReserves),
      hops: { mean: mean(hops), p99: quantile(hops, 0.99) },
      latencyMs: { mean: mean(took), p50: quantile(took, 0.5), p99: quantile(took, 0.99), max: quantile(took, 1) },
      latencyPercentilesMs: took.length === 0 ? [] : Array.from({ length: 101 }, (_, percent) => quantile(took, percent / 100)),
      hottestPeak: traffic.hottestPeak,
      hottestMean: traffic.hottestMean,
    };
  }

  #settled(refused: boolean): void {
    const window = this.#window;
    window.settled++;
    if (refused) window.refused++;
    if (window.settled < this.#windowSize) return;
    if (window.refused >= REFUSED_SHARE * window.settled) this.#atFirstRefusals ??= larger(utilisationOf(this.#contender));
    this.#window = { settled: 0, refused: 0 };
  }

  #bandAt(demand: number): OpenBand | undefined {
    return this.#bands.find(({ toPercent }) => demand * 100 <= toPercent) ?? this.#bands.at(-1);
  }

  #leaveBand(ask: Ask): OpenBand | undefined {
    const band = this.#bandOf.get(ask.id);
    this.#bandOf.delete(ask.id);
    return band;
  }

  #closeBand(band: OpenBand | undefined): void {
    const messages = messagesOf(this.#contender.traffic);
    if (band !== undefined) band.messages += messages - this.#messagesAtBand;
    this.#messagesAtBand = messages;
  }
}

/** Smaller windows reach 1 % by chance. */
const LEAST_WINDOW = 500;
const REFUSED_SHARE = 0.01;

function closed({ messages, ...band }: OpenBand): Band {
  return { ...band, messagesPerRequest: messages / Math.max(1, band.submitted) };
}

function utilisationOf(contender: Contender): Utilisation {
  const used = contender.used();
  const capacity = contender.capacity();
  return { cpu: used.cpuMillicores / Math.max(1, capacity.cpuMillicores), memory: used.memoryBytes / Math.max(1, capacity.memoryBytes) };
}

const larger = ({ cpu, memory }: Utilisation): number => Math.max(cpu, memory);

const messagesOf = ({ placement, upkeep }: PlacementTraffic): number => placement + upkeep;

/** A copy: a contender may count in the object it gave. */
function totals(traffic: PlacementTraffic): PlacementTraffic {
  const { placement, upkeep, names = 0, refusedReserves, bytes, hottestPeak, hottestMean } = traffic;
  return { placement, upkeep, names, refusedReserves, bytes, hottestPeak, hottestMean };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Nearest rank of sorted values; 0 of none. */
function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? 0;
}
