import { assertNever } from '../../lib/assert.ts';
import type { Prng } from '../../lib/prng.ts';
import type { SimNode } from '../host/sim-node.ts';
import { drawIp } from './draws.ts';
import { bringBack, nodeUp } from './reach.ts';
import type { End, Reach, Weights, When } from './reach.ts';

/** Nodes that come, go and change what they say of themselves. No fault of theirs, but the rest has to cope. */
export type MemberFault = When & { readonly node: number } & (
    | {
        /** A node that was never there joins. It is left out at the beginning. */
        readonly kind: 'join';
      }
    /** The node says goodbye and never comes back. */
    | { readonly kind: 'leave' }
    /** The node takes nothing new for a while. */
    | { readonly kind: 'drain' }
    | { readonly kind: 'relabel'; readonly labels: Readonly<Record<string, string>> }
    /** It goes down, and comes back under another address. */
    | { readonly kind: 'readdress'; readonly ip: string }
    /** Its host gets another address while the daemon runs, which notices only at the end, and starts anew. */
    | { readonly kind: 'move'; readonly ip: string }
  );

/** Joins are drawn apart: which nodes come late must be known at the beginning. */
export const MEMBER_WEIGHTS: Weights<MemberFault> = { join: 0, leave: 0.5, drain: 1, relabel: 1, readdress: 1, move: 1 };

export function drawMemberFault(random: Prng, kind: MemberFault['kind'], when: When, nodes: number): MemberFault {
  const node = random.int(nodes);
  switch (kind) {
    case 'relabel':
      return { kind, ...when, node, labels: random.chance(0.2) ? {} : { rack: String(random.int(4)), disk: 'new' } };
    case 'readdress':
    case 'move':
      // The first stays where it is: where all have moved while apart nobody knows a way to anybody, and no protocol finds one.
      return { kind, ...when, node: Math.max(1, node), ip: drawIp(random) };
    case 'leave':
      return { kind, ...when, node: Math.max(1, node) };
    case 'join':
    case 'drain':
      return { kind, ...when, node };
    default:
      return assertNever(kind);
  }
}

/** Returns what ends it; undefined where it can't happen now. */
export function causeMemberFault(reach: Reach, fault: MemberFault): End | undefined {
  if (fault.kind === 'join') return join(reach, reach.nodes[fault.node]);
  const node = nodeUp(reach, fault.node);
  if (node === undefined) return undefined;
  switch (fault.kind) {
    case 'leave':
      return leave(reach, node);
    case 'drain':
      node.command({ kind: 'describe', change: { draining: true } }, () => undefined);
      return () => node.command({ kind: 'describe', change: { draining: false } }, () => undefined);
    case 'relabel':
      node.relabel(fault.labels);
      return () => undefined;
    case 'readdress':
      node.crash();
      if (isFree(reach, fault.ip)) node.readdress(fault.ip);
      return () => bringBack(reach, node);
    case 'move':
      if (!isFree(reach, fault.ip)) return undefined;
      reach.network.detach(node);
      return () => {
        node.crash();
        node.readdress(isFree(reach, fault.ip) ? fault.ip : node.ip);
        bringBack(reach, node);
      };
    default:
      return assertNever(fault);
  }
}

function join(reach: Reach, node: SimNode | undefined): End | undefined {
  if (node === undefined || node.up || node.gone) return undefined;
  reach.start(node);
  return () => undefined;
}

/** The daemon gossips its goodbye, then ends with its containers. Small instances stay together. */
function leave({ nodes, schedule }: Reach, node: SimNode): End | undefined {
  if (nodes.filter((other) => !other.gone).length <= FEWEST) return undefined;
  node.gone = true;
  node.command({ kind: 'leave' }, () => undefined);
  schedule.after(GOODBYE_MS, () => node.reboot());
  return () => undefined;
}

const isFree = ({ nodes }: Reach, ip: string): boolean => !nodes.some((other) => other.ip === ip);

/** Nodes that stay in any case: the bootstrap node's peers among them. */
const FEWEST = 3;
/** What the daemon gives its goodbye before it exits. */
const GOODBYE_MS = 1_000;
