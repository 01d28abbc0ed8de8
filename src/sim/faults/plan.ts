import type { Prng } from '../../lib/prng.ts';
import { FAULT_WEIGHTS, drawFault } from './families.ts';
import type { Fault, FaultKind } from './fault.ts';

export interface PlanOptions {
  readonly nodes: number;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Mean time between faults of the whole instance. */
  readonly everyMs: number;
}

const KINDS = Object.keys(FAULT_WEIGHTS) as FaultKind[];
const TOTAL = KINDS.reduce((sum, kind) => sum + FAULT_WEIGHTS[kind], 0);

/** Nodes that are there from the beginning, in any case. */
const FIRST = 3;

/** Draws the faults of a run, nodes that join late among them: everything about them is in the records. */
export function planFaults(random: Prng, options: PlanOptions): readonly Fault[] {
  const faults: Fault[] = [...planJoins(random, options)];
  let atMs = options.fromMs;
  for (;;) {
    atMs += -Math.log(1 - random.float()) * options.everyMs;
    if (atMs >= options.untilMs) return faults;
    const when = { atMs, forMs: 200 + random.float() ** 2 * 20_000 };
    faults.push(drawFault(random, drawKind(random), when, options.nodes));
  }
}

/** In some instances up to a third of the nodes comes while there is load. */
function* planJoins(random: Prng, { nodes, fromMs, untilMs }: PlanOptions): Generator<Fault> {
  if (nodes <= FIRST || random.chance(0.5)) return;
  const late = 1 + random.int(Math.max(1, Math.floor(nodes / 3)));
  for (let node = Math.max(FIRST, nodes - late); node < nodes; node++) {
    yield { kind: 'join', atMs: fromMs + random.float() * (untilMs - fromMs), forMs: 0, node };
  }
}

function drawKind(random: Prng): FaultKind {
  let left = random.float() * TOTAL;
  for (const kind of KINDS) {
    left -= FAULT_WEIGHTS[kind];
    if (left < 0) return kind;
  }
  return 'crash';
}
