import type { NodeId, Turn } from '../model/index.ts';
import type { MembershipProfile } from './profile.ts';
import type { Timers } from './timers.ts';

interface Suspicion {
  readonly incarnation: number;
  readonly startedMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** Confirmations after which the timeout is the shortest. */
  readonly wanted: number;
  /** Who suspects it, short ids: the first and at most `wanted` more. */
  readonly by: Set<string>;
}

/**
 * Lifeguard's suspicions (Dadgar 2018, §IV.B): a suspicion starts long and shortens with each member that
 * suspects independently, so a slow node that alone sees others fail gives them time to refute.
 */
export class Suspicions {
  readonly #profile: MembershipProfile;
  readonly #timers: Timers;
  readonly #open = new Map<NodeId, Suspicion>();

  constructor(profile: MembershipProfile, timers: Timers) {
    this.#profile = profile;
    this.#timers = timers;
  }

  /** @param liveCount live members, this node included */
  start(turn: Turn, id: NodeId, incarnation: number, by: string, liveCount: number): void {
    const minMs = shortestMs(this.#profile, liveCount);
    const wanted = Math.max(0, this.#profile.suspicion - 2);
    const suspicion: Suspicion = {
      incarnation,
      startedMs: turn.nowMs,
      minMs,
      maxMs: minMs * this.#profile.suspicionMax,
      // Where fewer others than that exist nobody could confirm: don't wait for it.
      wanted: liveCount - 2 < wanted ? 0 : wanted,
      by: new Set([by]),
    };
    this.#open.set(id, suspicion);
    this.#arm(turn, id, suspicion);
  }

  stop(id: NodeId): void {
    if (this.#open.delete(id)) this.#timers.disarm('suspicion', id);
  }

  /** Another member suspects it, too. True where that is independent news, to be passed on. */
  confirm(turn: Turn, id: NodeId, incarnation: number, by: string): boolean {
    const suspicion = this.#open.get(id);
    if (suspicion === undefined || suspicion.incarnation !== incarnation) return false;
    if (suspicion.by.has(by) || suspicion.by.size > suspicion.wanted) return false;
    suspicion.by.add(by);
    this.#arm(turn, id, suspicion);
    return true;
  }

  /** The incarnation that was suspected, when its time is up. */
  expire(id: NodeId): number | undefined {
    const incarnation = this.#open.get(id)?.incarnation;
    this.#open.delete(id);
    return incarnation;
  }

  #arm(turn: Turn, id: NodeId, suspicion: Suspicion): void {
    const { minMs, maxMs, wanted, by, startedMs } = suspicion;
    const afterMs = suspicionMs(minMs, maxMs, by.size - 1, wanted);
    this.#timers.arm(turn, 'suspicion', id, Math.max(0, startedMs + afterMs - turn.nowMs));
  }
}

/** suspicion × max(1, log10 N) × probeMs. */
export function shortestMs(profile: MembershipProfile, liveCount: number): number {
  return profile.suspicion * Math.max(1, Math.log10(Math.max(1, liveCount))) * profile.probeMs;
}

/** max − (max − min) · log(confirmations + 1) / log(wanted + 1), at least min; min where none is wanted. */
export function suspicionMs(minMs: number, maxMs: number, confirmations: number, wanted: number): number {
  if (wanted === 0) return minMs;
  const share = Math.log(confirmations + 1) / Math.log(wanted + 1);
  return Math.max(minMs, maxMs - (maxMs - minMs) * share);
}
