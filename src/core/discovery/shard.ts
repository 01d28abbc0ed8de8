import type { Prng } from '../../lib/prng.ts';
import { LIMITS, NO_RESOURCES, add, newerEpoch, subtract } from '../model/index.ts';
import type { Epoch, Need, NodeId, Offer, Region, RequestId, Resources, Seen } from '../model/index.ts';
import { unfit } from '../model/filter.ts';
import { score } from './score.ts';
import { DISCOVERY } from './tunables.ts';

interface Kept {
  readonly offer: Offer;
  readonly expiresMs: number;
  /** What reserves under way will take, if their suppliers agree. */
  readonly tentative: Map<RequestId, { readonly attempt: number; readonly amount: Resources; readonly untilMs: number }>;
}

interface Ranked {
  readonly kept: Kept;
  /** Less what reserves under way will take. */
  readonly free: Resources;
  readonly score: number;
  /** The score with its noise: what the order goes by. */
  readonly place: number;
}

export interface Taken {
  readonly offer: Offer;
  /** Who fitted, too, best first. */
  readonly runnersUp: readonly Seen[];
}

/** The offers a trader keeps of one shard of one region. */
export class Shard {
  readonly region: Region;
  readonly shard: number;
  readonly #offers = new Map<NodeId, Kept>();
  #windowMs = -Infinity;
  #finds = 0;

  constructor(region: Region, shard: number) {
    this.region = region;
    this.shard = shard;
  }

  get size(): number {
    return this.#offers.size;
  }

  offers(): readonly Offer[] {
    return Array.from(this.#offers.values(), (kept) => kept.offer);
  }

  offer(supplier: NodeId): Offer | undefined {
    return this.#offers.get(supplier)?.offer;
  }

  /** @returns whether it was not older than what is known. */
  publish(offer: Offer, nowMs: number): boolean {
    const known = this.#offers.get(offer.supplier);
    if (known !== undefined && newerEpoch(known.offer.epoch, offer.epoch)) return false;
    const ttlMs = Math.min(offer.ttlMs, DISCOVERY.offerTtlMs);
    this.#offers.set(offer.supplier, { offer, expiresMs: nowMs + ttlMs, tentative: known?.tentative ?? new Map() });
    return true;
  }

  withdraw(supplier: NodeId, epoch: Epoch): boolean {
    const known = this.#offers.get(supplier);
    return known !== undefined && !newerEpoch(known.offer.epoch, epoch) && this.#offers.delete(supplier);
  }

  delete(supplier: NodeId): boolean {
    return this.#offers.delete(supplier);
  }

  /** The supplier's own word after a reserve: its figure, if newer, takes the place of our guess. */
  correct(supplier: NodeId, requestId: RequestId, attempt: number, free: Resources, epoch: Epoch): void {
    const known = this.#offers.get(supplier);
    if (known === undefined) return;
    if (known.tentative.get(requestId)?.attempt === attempt) known.tentative.delete(requestId);
    if (newerEpoch(epoch, known.offer.epoch)) this.#offers.set(supplier, { ...known, offer: { ...known.offer, free, epoch } });
  }

  /** The buyer gave the request up to `attempt` up. */
  cancel(requestId: RequestId, attempt: number): void {
    for (const { tentative } of this.#offers.values()) {
      const found = tentative.get(requestId);
      if (found !== undefined && found.attempt <= attempt) tentative.delete(requestId);
    }
  }

  /** @returns suppliers whose offers ran out, now gone. */
  expire(nowMs: number): readonly NodeId[] {
    const gone: NodeId[] = [];
    for (const [supplier, kept] of this.#offers) if (kept.expiresMs <= nowMs) gone.push(supplier);
    for (const supplier of gone) this.#offers.delete(supplier);
    return gone;
  }

  /** Counts a find; whether there were too many of late. */
  overrun(nowMs: number): boolean {
    if (nowMs - this.#windowMs >= DISCOVERY.shedWindowMs) {
      this.#windowMs = nowMs;
      this.#finds = 0;
    }
    return ++this.#finds > DISCOVERY.shedFinds;
  }

  /** The best offer that fits, its amount now counted as used for a while, and the next best few. */
  take(need: Need, mean: Resources, nowMs: number, random: Prng): Taken | undefined {
    const [best, ...others] = this.#ranked(need, mean, nowMs, 1 + LIMITS.runnersUp, () => random.float() * DISCOVERY.scoreNoise);
    if (best === undefined) return undefined;
    best.kept.tentative.set(need.requestId, {
      attempt: need.attempt,
      amount: need.resources,
      untilMs: nowMs + DISCOVERY.tentativeMs,
    });
    return { offer: best.kept.offer, runnersUp: others.map(seen) };
  }

  /** At most `most` that fit, best first; as they are. */
  best(need: Need, mean: Resources, nowMs: number, most: number): readonly Seen[] {
    return this.#ranked(need, mean, nowMs, most, () => 0).map(seen);
  }

  #ranked(need: Need, mean: Resources, nowMs: number, most: number, noise: () => number): readonly Ranked[] {
    const ranked: Ranked[] = [];
    for (const kept of this.#offers.values()) {
      if (kept.expiresMs <= nowMs) continue;
      const free = likelyFree(kept, nowMs);
      const { supplier, ...offer } = kept.offer;
      if (unfit(need, { ...offer, id: supplier, free }) !== undefined) continue;
      const value = score(need, { class: offer.class, free }, mean);
      rank(ranked, { kept, free, score: value, place: value + noise() }, most);
    }
    return ranked;
  }
}

/** Keeps the best few, in order. */
function rank(ranked: Ranked[], one: Ranked, most: number): void {
  let at = ranked.length;
  while (at > 0 && one.place < (ranked[at - 1] as Ranked).place) at--;
  ranked.splice(at, 0, one);
  if (ranked.length > most) ranked.pop();
}

const seen = ({ kept, free, score }: Ranked): Seen => ({ nodeId: kept.offer.supplier, reason: undefined, detail: '', free, score });

function likelyFree({ offer, tentative }: Kept, nowMs: number): Resources {
  if (tentative.size === 0) return offer.free;
  let taken = NO_RESOURCES;
  for (const [id, { amount, untilMs }] of tentative) {
    if (untilMs <= nowMs) tentative.delete(id);
    else taken = add(taken, amount);
  }
  return subtract(offer.free, taken);
}
