import type { ContainerId, NodeId } from '../../model/index.ts';
import { LIMITS } from '../../model/index.ts';
import { NAMES } from './tunables.ts';

export interface NameClaimHeld {
  readonly containerId: ContainerId;
  readonly buyer: NodeId;
  readonly untilMs: number;
}

/** Names that are claimed for containers which are not registered yet, at the names' owner. Each ends by itself. */
export class ClaimBook {
  readonly #claims = new Map<string, NameClaimHeld>();

  get size(): number {
    return this.#claims.size;
  }

  get(name: string, nowMs: number): NameClaimHeld | undefined {
    const claim = this.#claims.get(name);
    return claim !== undefined && claim.untilMs > nowMs ? claim : undefined;
  }

  /** Where the book is full the claim is granted and not remembered: the rule for conflicts covers it. */
  hold(name: string, containerId: ContainerId, buyer: NodeId, nowMs: number): void {
    if (this.#claims.size >= LIMITS.nameClaims && !this.#claims.has(name)) this.sweep(nowMs);
    if (this.#claims.size >= LIMITS.nameClaims && !this.#claims.has(name)) return;
    this.#claims.set(name, { containerId, buyer, untilMs: nowMs + NAMES.claimMs });
  }

  /** By its buyer's own word. */
  giveBack(name: string, containerId: ContainerId, buyer: NodeId): void {
    if (this.#claims.get(name)?.buyer === buyer) this.release(name, containerId);
  }

  release(name: string, containerId: ContainerId): void {
    if (this.#claims.get(name)?.containerId === containerId) this.#claims.delete(name);
  }

  sweep(nowMs: number): void {
    for (const [name, claim] of this.#claims) if (claim.untilMs <= nowMs) this.#claims.delete(name);
  }
}
