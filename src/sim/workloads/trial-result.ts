/** What one trial measured; plain JSON. Shares are from 0 to 1, times virtual. Same setup, same result. */
export interface TrialResult {
  readonly contender: string;
  readonly workload: string;
  /** The demand in a word that tells it from others: `ramp`, `burst 100% at 50%`. */
  readonly demand: string;
  readonly nodes: number;
  readonly seed: number;
  readonly loss: number;
  readonly virtualSeconds: number;

  readonly submitted: number;
  readonly placed: number;
  readonly refused: number;
  /** Refused though some node had room at that moment. */
  readonly feasibleRefused: number;
  /** Whose node failed before it heard. */
  readonly orphaned: number;
  /** Neither placed nor refused long after the end: a contender that lost an ask. */
  readonly unanswered: number;
  /** Times a node was told to hold more than it has. */
  readonly oversold: number;
  /** Containers that went with a node that failed. */
  readonly lostWithNodes: number;
  /** Placed part of the CPU and memory submitted. */
  readonly placedCpu: number;
  readonly placedMemory: number;
  readonly bands: readonly Band[];

  /** The larger of CPU and memory at the end of the first window of requests of which 1 % were refused; null: there was none. */
  readonly utilisationAtFirstRefusals: number | null;
  readonly utilisationBefore: Utilisation;
  readonly utilisationEnd: Utilisation;
  readonly series: readonly Sample[];

  /** Per placement. */
  readonly placementMessages: number;
  readonly upkeepMessages: number;
  /** Of the name directory, which are none of the others. */
  readonly nameMessages: number;
  readonly bytes: number;
  readonly refusedReserves: number;
  /** Of what was placed. */
  readonly hops: { readonly mean: number; readonly p99: number };
  readonly latencyMs: { readonly mean: number; readonly p50: number; readonly p99: number; readonly max: number };
  /** Latencies at 0, 1, … 100 % of what was placed. */
  readonly latencyPercentilesMs: readonly number[];
  /** Messages that one node received in a second: the worst second, and the mean over the trial of the node with most. */
  readonly hottestPeak: number;
  readonly hottestMean: number;
}

export interface Utilisation {
  readonly cpu: number;
  readonly memory: number;
}

/** Requests that came while demand was in one stretch of percents of capacity. */
export interface Band {
  readonly fromPercent: number;
  readonly toPercent: number;
  readonly submitted: number;
  readonly placed: number;
  readonly feasibleRefused: number;
  /** All messages while the band lasted, per request submitted in it. */
  readonly messagesPerRequest: number;
}

/** Counts since the start of what is measured. */
export interface Sample extends Utilisation {
  readonly atSeconds: number;
  /** What was submitted, the larger of CPU and memory, as a share of all capacity. */
  readonly demand: number;
  readonly submitted: number;
  readonly placed: number;
  readonly refused: number;
  readonly messages: number;
}
