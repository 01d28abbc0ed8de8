import { assertNever } from '../../lib/assert.ts';
import type { Prng } from '../../lib/prng.ts';
import { drawSide, drawSome } from './draws.ts';
import { bringBack, nodeUp, nodesUp } from './reach.ts';
import type { End, Reach, Weights, When } from './reach.ts';

/** Daemons that die, stand still and come back. */
export type DaemonFault = When &
  (
    | {
        /** The daemon dies within a turn, after `effects` of its effects, and comes back. Containers run on. */
        readonly kind: 'crash';
        readonly node: number;
        readonly effects: number;
      }
    /** The daemon ends and is there again at once. */
    | { readonly kind: 'restart'; readonly node: number }
    /** One after the other restarts, as for a new version. */
    | { readonly kind: 'rolling-restart'; readonly side: readonly number[]; readonly everyMs: number }
    /** The host goes down and comes back without its containers running. */
    | { readonly kind: 'reboot'; readonly node: number }
    /** Several hosts go down in one moment. */
    | { readonly kind: 'power-cut'; readonly side: readonly number[] }
    /** The daemon stands still; what was sent to it waits. */
    | { readonly kind: 'pause'; readonly node: number }
  );

export const DAEMON_WEIGHTS: Weights<DaemonFault> = {
  crash: 6,
  restart: 2,
  'rolling-restart': 0.5,
  reboot: 2,
  'power-cut': 0.5,
  pause: 3,
};

export function drawDaemonFault(random: Prng, kind: DaemonFault['kind'], when: When, nodes: number): DaemonFault {
  const node = random.int(nodes);
  switch (kind) {
    case 'crash':
      return { kind, ...when, node, effects: random.int(4) };
    case 'restart':
      return { kind, ...when, forMs: random.float() * 50, node };
    case 'rolling-restart':
      return { kind, ...when, side: drawSome(random, nodes, nodes), everyMs: 200 + random.float() * 3_000 };
    case 'power-cut':
      return { kind, ...when, side: drawSide(random, nodes) };
    case 'reboot':
    case 'pause':
      return { kind, ...when, node };
    default:
      return assertNever(kind);
  }
}

/** Returns what ends it; undefined where it can't happen now. */
export function causeDaemonFault(reach: Reach, fault: DaemonFault): End | undefined {
  if (fault.kind === 'rolling-restart') return restartInTurn(reach, fault.side, fault.everyMs);
  if (fault.kind === 'power-cut') {
    const hosts = nodesUp(reach, fault.side);
    for (const host of hosts) host.reboot();
    return () => {
      for (const host of hosts) bringBack(reach, host);
    };
  }
  const node = nodeUp(reach, fault.node);
  if (node === undefined) return undefined;
  switch (fault.kind) {
    case 'crash':
      node.crashWithin(fault.effects);
      // One that waited in vain for effects happens at the latest at its end.
      return () => {
        if (!node.gone) node.crash();
        bringBack(reach, node);
      };
    case 'restart':
      node.crash();
      return () => bringBack(reach, node);
    case 'reboot':
      node.reboot();
      return () => bringBack(reach, node);
    case 'pause':
      node.pause();
      return () => bringBack(reach, node);
    default:
      return assertNever(fault);
  }
}

function restartInTurn(reach: Reach, side: readonly number[], everyMs: number): End {
  let ended = false;
  for (const [place, index] of side.entries()) {
    reach.schedule.after(place * everyMs, () => {
      const node = ended || reach.healed() ? undefined : nodeUp(reach, index);
      if (node === undefined) return;
      node.crash();
      reach.schedule.after(RESTART_MS, () => {
        if (!node.up) bringBack(reach, node);
      });
    });
  }
  return () => {
    ended = true;
  };
}

/** What a daemon takes to end and be there again. */
const RESTART_MS = 100;
