import type { Prng } from '../../lib/prng.ts';
import type { Latency } from './latency.ts';

/** What the network between the nodes is like. Probabilities are per packet. */
export interface Conditions {
  readonly latency: Latency;
  /** Added to every packet's latency. */
  readonly extraMs: number;
  /** How many sites the nodes are spread over, in turn; between each two of them packets take up to `farMs` more. */
  readonly sites: number;
  readonly farMs: number;
  readonly loss: number;
  readonly duplication: number;
  /** Share of packets held back by up to `reorderMs`, so that later ones overtake them. */
  readonly reordering: number;
  readonly reorderMs: number;
  /** Share of messages on a stream that are lost with their connection. */
  readonly resets: number;
  /** Share of messages on a stream that arrive twice: sent again since the answer was lost. */
  readonly repeats: number;
}

const NO_TROUBLE = { extraMs: 0, loss: 0, duplication: 0, reordering: 0, reorderMs: 0, resets: 0, repeats: 0 } as const;

export const CALM: Conditions = { ...NO_TROUBLE, latency: { kind: 'uniform', leastMs: 0.5, spreadMs: 2 }, sites: 1, farMs: 0 };

/** The same network on a day on which nothing goes wrong: distances stay. */
export function quiet(conditions: Conditions): Conditions {
  return { ...conditions, ...NO_TROUBLE };
}

/** A network in use, a little of everything: mostly one site, else a few, some with long tails. */
export function drawConditions(random: Prng, loss: number): Conditions {
  const latency: Latency = random.chance(0.7)
    ? { kind: 'uniform', leastMs: 0.5, spreadMs: 5 }
    : { kind: 'log-normal', medianMs: 2 + random.float() * 6, sigma: 1, mostMs: 400 };
  const sites = random.chance(0.7) ? 1 : 2 + random.int(2);
  const farMs = sites === 1 ? 0 : 5 + random.float() * 70;
  return { latency, extraMs: 0, sites, farMs, loss, duplication: 0.01, reordering: 0.02, reorderMs: 40, resets: loss / 4, repeats: 0.02 };
}

/** Between two nodes, ms one way; the same both ways. Sites lie on a line. */
export function distanceMs({ sites, farMs }: Conditions, from: number, to: number): number {
  if (sites === 1) return 0;
  return (Math.abs((from % sites) - (to % sites)) / (sites - 1)) * farMs;
}
