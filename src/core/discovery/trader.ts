/**
 * The trader: keeps others' offers for the shards that the ring gives it, and answers finds by sending
 * a reserve to the best supplier itself (delegated: a third fewer messages and hops than leaving that to
 * the buyer). What it believes is soft and may be wrong; a supplier's refusal corrects it. An offer it
 * sent a reserve for counts as used for 2 s, so that a burst of requests spreads instead of colliding.
 *
 * The trader of shard 0 also writes its region's hint: roughly how many offers, in how many shards. At
 * once when a region goes to or from empty, else each minute.
 *
 * Cost: about 3.8 messages for a placement at 65,536 nodes; an offer's upkeep is a message each 15
 * minutes and two for each change of region.
 */
import { LIMITS, regionKey } from '../model/index.ts';
import type { Accept, Cancel, Considered, Find, Need, NodeId, Offer, Publish, Refuse, Timer, Turn, Withdraw } from '../model/index.ts';
import { onward } from './directory.ts';
import type { Directory } from './directory.ts';
import { HintWriter } from './hint-writer.ts';
import { directoryKey, isRegion, regionOf } from './region.ts';
import type { FindState } from './route.ts';
import { Shard } from './shard.ts';
import { DISCOVERY } from './tunables.ts';

export interface TraderOptions {
  readonly self: NodeId;
  readonly directory: Directory;
  /** For explanations. */
  readonly nameOf: (id: NodeId) => string;
}

type OnwardState = FindState & { readonly shedDone: boolean; readonly refusals: number };

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
    if (find.asked > DISCOVERY.queries || !isRegion(find.region) || !isShard(find.shard)) return;
    const place = this.#shards.get(directoryKey(find.region, find.shard));
    if (place?.overrun(turn.nowMs) === true && !find.shedDone) {
      return this.#onward(turn, find.need, {
        ...find,
        asked: find.asked - 1,
        used: find.used.slice(0, -1),
        shedDone: true,
        escalate: true,
      });
    }
    this.#serve(turn, find, []);
  }

  accept(turn: Turn, from: NodeId, { requestId, attempt, free, epoch }: Accept): void {
    for (const place of this.#places.get(from) ?? []) {
      place.correct(from, requestId, attempt, free, epoch);
      this.#dropIfMoved(turn, from, place);
    }
  }

  /** The supplier can't: correct what we believed, try our next best, or pass the find on. */
  refuse(turn: Turn, from: NodeId, refusal: Refuse): void {
    if (refusal.asked > DISCOVERY.queries || !isRegion(refusal.region) || !isShard(refusal.shard)) return;
    const { need, reason, detail, free, epoch } = refusal;
    for (const place of this.#places.get(from) ?? []) {
      place.correct(from, need.requestId, need.attempt, free, epoch);
      this.#dropIfMoved(turn, from, place);
    }
    if (need.exclude.length >= LIMITS.exclude) return this.#notFound(turn, need, refusal.asked, []);
    const { region, shard, asked, shedDone, used } = refusal;
    const refusals = refusal.refusals + 1;
    const again: Find = {
      kind: 'find',
      need: { ...need, exclude: [...need.exclude, from] },
      region,
      shard,
      asked,
      shedDone,
      refusals,
      used,
    };
    const considered: Considered[] = [
      { nodeId: from, name: this.#options.nameOf(from), accepted: false, reason, detail, free, score: undefined },
    ];
    if (refusals < DISCOVERY.refusals) this.#serve(turn, again, considered);
    else this.#onward(turn, again.need, { ...again, escalate: false }, considered);
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

  #serve(turn: Turn, find: Find, considered: readonly Considered[]): void {
    const { need, region, shard, asked, shedDone, refusals, used } = find;
    const mean = this.#options.directory.mean();
    const offer = this.#shards.get(directoryKey(region, shard))?.take(need, mean, turn.nowMs, turn.random);
    if (offer === undefined) return this.#onward(turn, need, { ...find, escalate: false }, considered);
    turn.send(offer.supplier, { kind: 'reserve', need, region, shard, asked, shedDone, refusals, used, direct: false });
  }

  #onward(turn: Turn, need: Need, state: OnwardState, considered: readonly Considered[] = []): void {
    const next = onward(turn, this.#options.directory, need, state);
    if (next === undefined) this.#notFound(turn, need, state.asked, considered);
    else turn.send(next.to, next.find);
  }

  #notFound(turn: Turn, need: Need, asked: number, considered: readonly Considered[]): void {
    turn.send(need.buyer, { kind: 'not-found', requestId: need.requestId, attempt: need.attempt, asked, considered });
  }

  /** A supplier whose figure belongs to another region has published there, or offers nothing. */
  #dropIfMoved(turn: Turn, supplier: NodeId, place: Shard): void {
    const offer = place.offer(supplier);
    if (offer === undefined) return;
    const region = regionOf(offer.class, offer.free);
    if (region !== undefined && regionKey(region) === regionKey(place.region)) return;
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
