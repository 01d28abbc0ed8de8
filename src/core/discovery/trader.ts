/**
 * The trader: keeps others' offers for the shards that the ring gives it, and answers finds by sending
 * a reserve to the best supplier itself (delegated: a third fewer messages and hops than leaving that to
 * the buyer). What it believes is soft and may be wrong; a supplier's refusal corrects it. An offer it
 * sent a reserve for counts as used for 2 s, so that a burst of requests spreads instead of colliding.
 *
 * The trader of shard 0 also writes its region's hint: roughly how many offers, in how many shards. At
 * once when a region goes to or from empty, else each minute.
 *
 * Cost: 6.7 messages for a placement at 1,000 nodes and 7.3 at 10,000, upkeep among them (bench/results/scheduling.md); an
 * offer that stays where it is costs a message an hour.
 */
import { LIMITS, regionKey } from '../model/index.ts';
import type {
  Accept,
  Cancel,
  Find,
  Message,
  Need,
  NodeId,
  Offer,
  Publish,
  Refuse,
  Reserve,
  Seen,
  Timer,
  Turn,
  Withdraw,
} from '../model/index.ts';
import { onward } from './directory.ts';
import type { Directory } from './directory.ts';
import { HintWriter } from './hint-writer.ts';
import { directoryKey, isRegion, regionOf } from './region.ts';
import type { FindState } from './route.ts';
import { Shard } from './shard.ts';
import { consideredOf, refusalsIn } from './trail.ts';
import { DISCOVERY } from './tunables.ts';

export interface TraderOptions {
  readonly self: NodeId;
  readonly directory: Directory;
  /** For explanations. */
  readonly nameOf: (id: NodeId) => string;
  /** Whether it is short enough to go as a datagram, and a refusal that echoes it, too. */
  readonly isShort: (message: Message) => boolean;
}

type OnwardState = FindState & Pick<Find, 'shedDone' | 'refusals' | 'trail' | 'plan'>;

export class Trader {
  readonly #options: TraderOptions;
  readonly #shards = new Map<string, Shard>();
  /** In which shards a supplier has an offer here. */
  readonly #places = new Map<NodeId, Set<Shard>>();
  readonly #hints: HintWriter;
  #offers = 0;

  constructor(options: TraderOptions) {
    this.#options = options;
    const { self, directory } = options;
    this.#hints = new HintWriter(self, directory, (region) => this.#shards.get(directoryKey(region, 0))?.size ?? 0);
  }

  start(turn: Turn): void {
    this.#sweepLater(turn);
  }

  offers(): readonly Offer[] {
    return [...this.#shards.values()].flatMap((shard) => shard.offers());
  }

  publish(turn: Turn, from: NodeId, { region, shard, offer }: Publish): void {
    const proper = regionOf(offer.class, offer.free);
    if (offer.supplier !== from || proper === undefined || regionKey(proper) !== regionKey(region)) return;
    if (!isShard(shard)) return;
    const key = directoryKey(region, shard);
    const known = this.#shards.get(key);
    if (this.#offers >= LIMITS.offersPerTrader && known?.offer(from) === undefined) return;
    const place = known ?? new Shard(region, shard);
    const before = place.size;
    if (!place.publish(offer, turn.nowMs)) return;
    this.#shards.set(key, place);
    this.#offers += place.size - before;
    const places = this.#places.get(from) ?? new Set();
    this.#places.set(from, places.add(place));
    this.#hints.changed(turn, region);
  }

  withdraw(turn: Turn, from: NodeId, { region, shard, epoch }: Withdraw): void {
    const place = isRegion(region) ? this.#shards.get(directoryKey(region, shard)) : undefined;
    if (place?.withdraw(from, epoch) === true) this.#gone(turn, from, place);
  }

  find(turn: Turn, find: Find): void {
    if (!isProgress(find)) return;
    const place = this.#shards.get(directoryKey(find.region, find.shard));
    if (place?.overrun(turn.nowMs) === true && !find.shedDone) {
      return this.#onward(turn, find.need, {
        ...find,
        asked: Math.max(0, find.asked - 1),
        used: find.used.slice(0, -1),
        shedDone: true,
        escalate: true,
      });
    }
    this.#serve(turn, find);
  }

  accept(turn: Turn, from: NodeId, { requestId, attempt, free, epoch }: Accept): void {
    for (const place of this.#places.get(from) ?? []) {
      place.correct(from, requestId, attempt, free, epoch);
      this.#dropIfMoved(turn, from, place);
    }
  }

  /** The supplier can't: correct what we believed, try our next best, or pass the find on. */
  refuse(turn: Turn, from: NodeId, refusal: Refuse): void {
    if (!isProgress(refusal)) return;
    const { need, reason, detail, free, epoch } = refusal;
    for (const place of this.#places.get(from) ?? []) {
      place.correct(from, need.requestId, need.attempt, free, epoch);
      this.#dropIfMoved(turn, from, place);
    }
    if (need.exclude.length >= LIMITS.exclude) return this.#notFound(turn, need, refusal.asked, refusal.trail);
    const { region, shard, asked, shedDone, used } = refusal;
    const refusals = refusal.refusals + 1;
    const figures = reason === 'cpu' || reason === 'memory';
    const refused: Seen = { nodeId: from, reason, detail: figures ? '' : detail, free, score: undefined };
    const trail = [...refusalsIn(refusal.trail), refused].slice(-LIMITS.trailRefusals);
    const again: Find = {
      kind: 'find',
      need: { ...need, exclude: [...need.exclude, from] },
      region,
      shard,
      asked,
      shedDone,
      refusals,
      used,
      trail,
      plan: false,
    };
    if (refusals < DISCOVERY.refusals) this.#serve(turn, again);
    else this.#onward(turn, again.need, { ...again, escalate: false });
  }

  cancel({ requestId, attempt }: Cancel): void {
    for (const place of this.#shards.values()) place.cancel(requestId, attempt);
  }

  memberGone(turn: Turn, id: NodeId): void {
    for (const place of this.#places.get(id) ?? []) if (place.delete(id)) this.#gone(turn, id, place);
  }

  ringChanged(turn: Turn): void {
    this.#hints.ringChanged(turn);
  }

  timer(turn: Turn, timer: Timer): void {
    if (timer.name === 'take-over') return this.#hints.takeOver(turn);
    if (timer.name !== 'sweep') return;
    for (const place of this.#shards.values()) for (const id of place.expire(turn.nowMs)) this.#gone(turn, id, place);
    this.#hints.write(turn);
    this.#sweepLater(turn);
  }

  #serve(turn: Turn, find: Find): void {
    const { need, region, shard, asked, shedDone, refusals, used } = find;
    const mean = this.#options.directory.mean();
    const place = this.#shards.get(directoryKey(region, shard));
    if (find.plan) return this.#name(turn, find, place?.best(need, mean, turn.nowMs, LIMITS.candidates) ?? []);
    const taken = place?.take(need, mean, turn.nowMs, turn.random);
    if (taken === undefined) return this.#onward(turn, need, { ...find, escalate: false });
    const trail = [...refusalsIn(find.trail), ...taken.runnersUp];
    const reserve: Reserve = { kind: 'reserve', need, region, shard, asked, shedDone, refusals, used, trail, direct: false };
    turn.send(taken.offer.supplier, this.#short(reserve));
  }

  /** A plan only wants to know: no offer is touched. */
  #name(turn: Turn, find: Find, candidates: readonly Seen[]): void {
    if (candidates.length === 0) return this.#onward(turn, find.need, { ...find, escalate: false });
    const { requestId, attempt, buyer } = find.need;
    turn.send(buyer, { kind: 'candidates', requestId, attempt, candidates });
  }

  #onward(turn: Turn, need: Need, state: OnwardState): void {
    const next = onward(turn, this.#options.directory, need, state);
    if (next === undefined) this.#notFound(turn, need, state.asked, state.trail);
    else turn.send(next.to, this.#short(next.find));
  }

  /** What a find met is left out of a message that would no longer be a datagram with it. */
  #short<M extends Find | Reserve>(message: M): M {
    return this.#options.isShort(message) ? message : { ...message, trail: [] };
  }

  #notFound(turn: Turn, need: Need, asked: number, trail: readonly Seen[]): void {
    const considered = trail.map((seen) => consideredOf(seen, this.#options.nameOf(seen.nodeId), need.resources));
    turn.send(need.buyer, { kind: 'not-found', requestId: need.requestId, attempt: need.attempt, asked, considered });
  }

  /** A supplier whose figure belongs to another region has published there, or offers nothing. */
  #dropIfMoved(turn: Turn, supplier: NodeId, place: Shard): void {
    const offer = place.offer(supplier);
    if (offer === undefined) return;
    const region = regionOf(offer.class, offer.free);
    if (region !== undefined && regionKey(region) === regionKey(place.region)) return;
    if (region !== undefined) this.#options.directory.hints.suppose(region, turn.nowMs);
    place.delete(supplier);
    this.#gone(turn, supplier, place);
  }

  #gone(turn: Turn, supplier: NodeId, place: Shard): void {
    this.#offers--;
    const places = this.#places.get(supplier);
    places?.delete(place);
    if (places?.size === 0) this.#places.delete(supplier);
    if (place.size === 0) this.#shards.delete(directoryKey(place.region, place.shard));
    this.#hints.changed(turn, place.region);
  }

  #sweepLater(turn: Turn): void {
    turn.setTimer({ machine: 'trader', name: 'sweep', key: '', token: 0 }, DISCOVERY.hintMs);
  }
}

const isShard = (shard: number): boolean => Number.isInteger(shard) && shard >= 0 && shard < 2 ** DISCOVERY.splitLevels;

/** Whether a find can have come this far: what it counts, it carries on. */
function isProgress({ asked, refusals, used, region, shard }: Find | Refuse): boolean {
  const bound = DISCOVERY.queries;
  return asked <= bound && used.length <= bound && refusals <= bound + DISCOVERY.refusals && isRegion(region) && isShard(shard);
}
