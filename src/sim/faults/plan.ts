import type { Prng } from '../../lib/prng.ts';
import type { Fault, FaultKind } from './fault.ts';

export interface PlanOptions {
  readonly nodes: number;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Mean time between faults of the whole instance. */
  readonly everyMs: number;
}

/** How often each kind comes, relative to the others. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  crash: 6,
  reboot: 2,
  readdress: 1,
  pause: 3,
  partition: 4,
  loss: 2,
  slow: 1,
  'disk-full': 1,
  'engine-broken': 1,
  'wall-jump': 1,
  drain: 1,
  leave: 0.5,
};
const YEAR_MS = 31_557_600_000;
const KINDS = Object.keys(WEIGHTS) as FaultKind[];
const TOTAL = KINDS.reduce((sum, kind) => sum + WEIGHTS[kind], 0);

/** Draws the faults of a run: everything about them is in the records. */
export function planFaults(random: Prng, options: PlanOptions): readonly Fault[] {
  const faults: Fault[] = [];
  let atMs = options.fromMs;
  for (;;) {
    atMs += -Math.log(1 - random.float()) * options.everyMs;
    if (atMs >= options.untilMs) return faults;
    faults.push(draw(random, options.nodes, atMs));
  }
}

function draw(random: Prng, nodes: number, atMs: number): Fault {
  const node = random.int(nodes);
  const when = { atMs, forMs: 200 + random.float() ** 2 * 20_000 };
  const kind = drawKind(random);
  switch (kind) {
    case 'crash':
      return { kind, ...when, node, effects: random.int(4) };
    case 'readdress':
      return { kind, ...when, node, ip: `10.1.${random.int(256)}.${1 + random.int(254)}` };
    case 'partition':
      return { kind, ...when, side: drawSide(random, nodes), blocked: random.pick(['both', 'both', 'in', 'out'] as const) ?? 'both' };
    case 'loss':
      return { kind, ...when, loss: 0.05 + random.float() * 0.4 };
    case 'slow':
      return { kind, ...when, latencyMs: 20 + random.int(300) };
    case 'wall-jump':
      return { kind, ...when, node, byMs: drawJump(random.float()) };
    default:
      return { kind, ...when, node };
  }
}

/** An hour either way, or decades: a host without a battery for its clock starts in 1970 until it has asked for the time. */
function drawJump(draw: number): number {
  if (draw < 0.1) return -50 * YEAR_MS;
  return draw < 0.2 ? 50 * YEAR_MS : (draw - 0.6) * 9_000_000;
}

function drawKind(random: Prng): FaultKind {
  let left = random.float() * TOTAL;
  for (const kind of KINDS) {
    left -= WEIGHTS[kind];
    if (left < 0) return kind;
  }
  return 'crash';
}

/** One node as often as any other number of them. */
function drawSide(random: Prng, nodes: number): readonly number[] {
  const size = random.chance(0.5) ? 1 : 1 + random.int(Math.max(1, nodes - 1));
  return random
    .shuffle(Array.from({ length: nodes }, (_, i) => i))
    .slice(0, size)
    .sort((a, b) => a - b);
}
