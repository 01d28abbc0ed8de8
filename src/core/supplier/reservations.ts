/**
 * Reserve, renew, cancel, ask: the supplier's side of discovery (DESIGN §6, Holds). A hold is an
 * amount in the ledger under its request; everything is idempotent on (request, attempt), and a newer
 * attempt replaces an older one's hold, because its buyer has given the older one up.
 */
import { LIMITS } from '../model/index.ts';
import type { Ask, Cancel, ContainerId, Epoch, Need, NodeId, Renew, RequestId, Reserve, Timer, Turn } from '../model/index.ts';
import { unmet } from '../model/affinity.ts';
import { isAmount, unfit } from '../model/filter.ts';
import type { Unfit } from '../model/filter.ts';
import type { Context } from './context.ts';
import type { Hold } from './holds.ts';
import { holdKey } from './ledger.ts';
import { SUPPLIER } from './tunables.ts';

export class Reservations {
  readonly #context: Context;
  readonly #epoch: () => Epoch;
  readonly #containersOf: (id: RequestId) => readonly ContainerId[];
  /** Who got the newest accept, and what it told of. */
  #told: { readonly trader: NodeId; readonly counter: number } | undefined;

  /** @param containersOf of a run of this node's: those whose ports the host may keep for them already */
  constructor(context: Context, epoch: () => Epoch, containersOf: (id: RequestId) => readonly ContainerId[]) {
    this.#context = context;
    this.#epoch = epoch;
    this.#containersOf = containersOf;
  }

  reserve(turn: Turn, from: NodeId, message: Reserve): void {
    const { need } = message;
    const { holds, ledger, launched } = this.#context;
    if (!isAmount(need.resources) || launched.has(need.requestId) || holds.isSpent(need.requestId, need.attempt)) return;
    const held = holds.get(need.requestId);
    if (held !== undefined) {
      if (held.need.buyer !== need.buyer || held.need.attempt > need.attempt) return;
      if (held.need.attempt === need.attempt) return this.#accept(turn, held);
      this.#release(turn, held, 'cancelled');
    }
    const refusal = this.#refusal(need, from);
    if (refusal === undefined && ledger.admit(holdKey(need.requestId), need.resources)) {
      const token = this.#expiry(turn, need.requestId);
      const hold: Hold = { need, via: from, token, repeatDue: true, trail: message.trail, launched: new Set() };
      holds.set(hold);
      turn.emit({ kind: 'hold-made', requestId: need.requestId, buyer: need.buyer, resources: need.resources });
      this.#context.setTimer(turn, 'repeat-accept', need.requestId, SUPPLIER.repeatAcceptMs);
      return this.#accept(turn, hold);
    }
    const { reason, detail } = refusal ?? { reason: 'cpu' as const, detail: 'does not fit' };
    turn.emit({ kind: 'reserve-refused', requestId: need.requestId, reason });
    turn.send(from, { ...message, kind: 'refuse', reason, detail, free: ledger.free(), epoch: this.#epoch() });
  }

  /** Whether `trader` knows by an accept what is free now. */
  hasTold(trader: NodeId): boolean {
    return this.#told?.trader === trader && this.#told.counter === this.#epoch().counter;
  }

  ask(turn: Turn, from: NodeId, { need }: Ask): void {
    if (!isAmount(need.resources)) return;
    const refusal = this.#refusal(need, from);
    turn.send(from, {
      kind: 'answer',
      requestId: need.requestId,
      attempt: need.attempt,
      free: this.#context.ledger.freeFor(holdKey(need.requestId)),
      epoch: this.#epoch(),
      reason: refusal?.reason,
      detail: refusal?.detail ?? '',
    });
  }

  renew(turn: Turn, from: NodeId, message: Renew): void {
    const hold = this.#context.holds.get(message.requestId);
    if (hold === undefined || hold.need.buyer !== from || hold.need.attempt !== message.attempt) return;
    this.#context.holds.set({ ...hold, token: this.#expiry(turn, message.requestId), repeatDue: false });
  }

  /** A part of it became a container: the rest stays held, for as long again. */
  launched(turn: Turn, hold: Hold, part: RequestId, parts: number): void {
    const { requestId } = hold.need;
    const launched = new Set([...hold.launched, part]);
    if (launched.size < parts) {
      return this.#context.holds.set({ ...hold, launched, token: this.#expiry(turn, requestId), repeatDue: false });
    }
    this.#context.holds.delete(requestId);
    this.#context.ledger.release(holdKey(requestId));
    turn.emit({ kind: 'hold-released', requestId, why: 'launched' });
  }

  cancel(turn: Turn, from: NodeId, message: Cancel): void {
    const hold = this.#context.holds.get(message.requestId);
    if (hold === undefined) return this.#context.holds.spend(message.requestId, message.attempt);
    if (hold.need.buyer !== from || hold.need.attempt > message.attempt) return;
    this.#release(turn, hold, 'cancelled');
  }

  /** It can't be launched into any more. */
  giveUp(turn: Turn, hold: Hold): void {
    this.#release(turn, hold, 'cancelled');
  }

  timer(turn: Turn, timer: Timer): void {
    const hold = this.#context.holds.get(timer.key as RequestId);
    if (hold === undefined) return;
    if (timer.name === 'hold') {
      if (hold.token === timer.token) this.#release(turn, hold, 'expired');
    } else if (hold.repeatDue) {
      this.#context.holds.set({ ...hold, repeatDue: false });
      // The trader can do without: what it believes is put right by the next refusal.
      this.#send(turn, hold, hold.need.buyer);
    }
  }

  #refusal(need: Need, from: NodeId): Unfit | undefined {
    const { self, ledger, holds, entries, leaving } = this.#context;
    const { name, ...me } = self();
    if (leaving) return { reason: 'draining', detail: `${name} is leaving` };
    const refusal = unfit(need, { ...me, name, free: ledger.freeFor(holdKey(need.requestId)) });
    const usedUp = refusal?.reason === 'memory' || refusal?.reason === 'cpu';
    if (refusal !== undefined && !usedUp) return refusal;
    const own = need.hostPorts.length === 0 ? [] : this.#containersOf(need.requestId);
    const context = this.#context;
    const away = context.closed(need) ?? unmet(need.affinities, context.neighbours()) ?? context.portTaken(need, need.requestId, own);
    if (away !== undefined || refusal !== undefined) return away ?? refusal;
    if (entries.size + holds.size >= LIMITS.containers) {
      return { reason: 'containers', detail: `keeps ${entries.size} containers already; the most is ${LIMITS.containers}` };
    }
    if (holds.get(need.requestId) !== undefined) return undefined;
    const full = holds.full(need.buyer, from);
    return full === undefined ? undefined : { reason: 'holds', detail: full };
  }

  /** To the buyer, which goes on; and to the trader, whose tentative figure it confirms. */
  #accept(turn: Turn, hold: Hold): void {
    for (const to of new Set([hold.need.buyer, hold.via])) this.#send(turn, hold, to);
    this.#told = { trader: hold.via, counter: this.#epoch().counter };
  }

  #send(turn: Turn, { need, trail }: Hold, to: NodeId): void {
    const { requestId, attempt, buyer } = need;
    const free = this.#context.ledger.free();
    const { holdMs } = SUPPLIER;
    turn.send(to, { kind: 'accept', requestId, attempt, free, epoch: this.#epoch(), holdMs, buyer, trail: to === buyer ? trail : [] });
  }

  #release(turn: Turn, hold: Hold, why: 'cancelled' | 'expired'): void {
    this.#context.holds.delete(hold.need.requestId);
    this.#context.holds.spend(hold.need.requestId, hold.need.attempt);
    this.#context.ledger.release(holdKey(hold.need.requestId));
    turn.emit({ kind: 'hold-released', requestId: hold.need.requestId, why });
  }

  #expiry(turn: Turn, id: RequestId): number {
    return this.#context.setTimer(turn, 'hold', id, SUPPLIER.holdMs);
  }
}
