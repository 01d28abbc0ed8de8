import { Prng } from '../../lib/prng.ts';
import { Arena } from './arena.ts';
import type { Contender, NodeShape } from './contender.ts';
import { demandName, startDemand } from './demand.ts';
import type { Demand } from './demand.ts';
import type { TrialResult } from './trial-result.ts';
import { drawNodes } from './workload.ts';
import type { Workload } from './workload.ts';

export interface TrialSetup {
  readonly workload: Workload;
  readonly demand: Demand;
  readonly nodes: number;
  readonly seed: number;
  /** Share of packets lost. */
  readonly loss: number;
}

/** What a contender is made from. */
export interface ContenderSetup {
  readonly nodes: readonly NodeShape[];
  readonly seed: number;
  readonly loss: number;
}

export interface TrialProgress {
  /** 0 to 1. */
  readonly done: number;
  readonly placed: number;
  readonly virtualSeconds: number;
}

/** Virtual time between two looks at the progress. */
const SLICE_MS = 10_000;
/** After the last request: by then each has its answer, or it was lost. */
const PATIENCE_MS = 120_000;

/** One contender under one demand. The same setup gives the same result. */
export function runTrial(
  setup: TrialSetup,
  create: (setup: ContenderSetup) => Contender,
  onProgress: (progress: TrialProgress) => void = () => undefined,
): TrialResult {
  const { workload, demand, seed, loss } = setup;
  const nodes = drawNodes(workload.population, setup.nodes, new Prng(seed));
  const arena = new Arena(create({ nodes, seed, loss }), workload, nodes, seed);
  const done = startDemand(demand, workload, arena);
  const { schedule } = arena;
  const over = () => arena.finishedMs !== undefined && (arena.outstanding === 0 || schedule.nowMs >= arena.finishedMs + PATIENCE_MS);
  while (!over()) {
    schedule.runUntil(schedule.nowMs + SLICE_MS, over);
    onProgress({ done: done(), placed: arena.tally.placed, virtualSeconds: schedule.nowMs / 1_000 });
  }
  return {
    ...arena.tally.result(),
    workload: workload.name,
    demand: demandName(demand),
    nodes: setup.nodes,
    seed,
    loss,
    oversold: arena.ledger.oversold,
    lostWithNodes: arena.lostWithNodes,
  };
}
