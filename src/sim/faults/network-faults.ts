import { assertNever } from '../../lib/assert.ts';
import type { Prng } from '../../lib/prng.ts';
import type { Links } from '../network/links.ts';
import { drawSide } from './draws.ts';
import type { End, Reach, Weights, When } from './reach.ts';

/** What goes wrong between nodes. */
export type NetworkFault = When &
  (
    | {
        /** Packets between `side` and the rest don't pass: none, or none into the side, or none out of it. */
        readonly kind: 'partition';
        readonly side: readonly number[];
        readonly blocked: 'both' | 'in' | 'out';
      }
    /** Packets pass within a part only. */
    | { readonly kind: 'split'; readonly parts: readonly (readonly number[])[] }
    /** Packets don't pass on these links, [from, to]: who reaches whom is no longer transitive. */
    | { readonly kind: 'cut-links'; readonly links: readonly (readonly [number, number])[] }
    /** Packets to the side (or from it) wait, and then come all at once. */
    | { readonly kind: 'clog'; readonly side: readonly number[]; readonly way: 'in' | 'out' }
    /** Packets to and from the side are late. */
    | { readonly kind: 'slow-links'; readonly side: readonly number[]; readonly byMs: number }
    /** All packets are late. */
    | { readonly kind: 'slow'; readonly latencyMs: number }
    /** Some packets are much later than others, and so out of order. */
    | { readonly kind: 'reordering'; readonly share: number; readonly byMs: number }
    /** All packets are lost more often. */
    | { readonly kind: 'loss'; readonly loss: number }
    /** Many packets, and messages on streams, come twice. */
    | { readonly kind: 'duplication'; readonly share: number }
  );

export const NETWORK_WEIGHTS: Weights<NetworkFault> = {
  partition: 4,
  split: 1,
  'cut-links': 1,
  clog: 2,
  'slow-links': 1,
  slow: 1,
  reordering: 1,
  loss: 2,
  duplication: 1,
};

export function drawNetworkFault(random: Prng, kind: NetworkFault['kind'], when: When, nodes: number): NetworkFault {
  switch (kind) {
    case 'partition':
      return { kind, ...when, side: drawSide(random, nodes), blocked: random.pick(['both', 'both', 'in', 'out'] as const) ?? 'both' };
    case 'split':
      return { kind, ...when, parts: drawParts(random, nodes) };
    case 'cut-links': {
      const count = 1 + random.int(2 * nodes);
      return { kind, ...when, links: Array.from({ length: count }, () => [random.int(nodes), random.int(nodes)] as const) };
    }
    case 'clog':
      return { kind, ...when, forMs: when.forMs / 2, side: drawSide(random, nodes), way: random.pick(['in', 'out'] as const) ?? 'in' };
    case 'slow-links':
      return { kind, ...when, side: drawSide(random, nodes), byMs: 50 + random.float() ** 2 * 2_000 };
    case 'slow':
      return { kind, ...when, latencyMs: 20 + random.int(300) };
    case 'reordering':
      return { kind, ...when, share: 0.05 + random.float() * 0.4, byMs: 50 + random.float() * 2_000 };
    case 'loss':
      return { kind, ...when, loss: 0.05 + random.float() * 0.4 };
    case 'duplication':
      return { kind, ...when, share: 0.1 + random.float() * 0.8 };
    default:
      return assertNever(kind);
  }
}

/** Returns what ends it. */
export function causeNetworkFault({ network }: Reach, fault: NetworkFault): End {
  switch (fault.kind) {
    case 'partition':
      return network.block(across(fault.side, fault.blocked));
    case 'split': {
      const partOf = new Map(fault.parts.flatMap((part, n) => part.map((node) => [node, n] as const)));
      return network.block((from, to) => partOf.get(from) !== partOf.get(to));
    }
    case 'cut-links': {
      const cut = new Set(fault.links.map(([from, to]) => `${from}>${to}`));
      return network.block((from, to) => cut.has(`${from}>${to}`));
    }
    case 'clog': {
      const side = new Set(fault.side);
      return network.clog(fault.way === 'in' ? (_from, to) => side.has(to) : (from) => side.has(from));
    }
    case 'slow-links': {
      const side = new Set(fault.side);
      return network.delay((from, to) => side.has(from) || side.has(to), fault.byMs);
    }
    case 'slow':
      return network.worsen({ extraMs: fault.latencyMs });
    case 'reordering':
      return network.worsen({ reordering: fault.share, reorderMs: fault.byMs });
    case 'loss':
      return network.worsen({ loss: fault.loss });
    case 'duplication':
      return network.worsen({ duplication: fault.share, repeats: fault.share });
    default:
      return assertNever(fault);
  }
}

function across(members: readonly number[], blocked: 'both' | 'in' | 'out'): Links {
  const side = new Set(members);
  return (from, to) => {
    const out = side.has(from) && !side.has(to);
    const into = !side.has(from) && side.has(to);
    return blocked === 'both' ? out || into : blocked === 'out' ? out : into;
  };
}

/** Two or three parts that together are all. */
function drawParts(random: Prng, nodes: number): readonly (readonly number[])[] {
  const parts: number[][] = Array.from({ length: 2 + random.int(2) }, () => []);
  for (let node = 0; node < nodes; node++) random.pick(parts)?.push(node);
  return parts;
}
