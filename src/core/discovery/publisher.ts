/**
 * Publishes what this node has free, as one offer under its region and shard: at once when the region
 * changes (new first, then the old is withdrawn), a minute late for changes within a region, every hour
 * to stay alive, and within 2 s, at random, when the ring gives the key to another trader.
 * After a split or merge the offer stands in both shards for one hint period, since buyers learn of the
 * new level at different times. Nothing is acknowledged; what goes to a new place is said again after
 * 5 s and with what changed within a minute, for the few in a hundred that are lost and for traders that
 * had not heard of us yet: at 5 % of loss, twice was not enough (ADR 13). There is no replica trader:
 * simulated churn did not need one.
 */
import { regionKey } from '../model/index.ts';
import type { Epoch, Member, NodeId, Region, Resources, Timer, Turn } from '../model/index.ts';
import type { Directory } from './directory.ts';
import { directoryKey, regionOf, shardOf } from './region.ts';
import { DISCOVERY } from './tunables.ts';

export interface PublisherOptions {
  readonly self: () => Member;
  readonly directory: Directory;
  /** What is free now; undefined while nothing is offered (draining, leaving). */
  readonly offered: () => Resources | undefined;
  readonly epoch: () => Epoch;
  /** Whether this trader knows by an accept what is free now. */
  readonly hasTold: (trader: NodeId) => boolean;
}

/** Where an offer stands, or stood. */
interface Place {
  readonly region: Region;
  readonly shard: number;
  readonly splitLevel: number;
  readonly trader: NodeId;
}

export class Publisher {
  readonly #options: PublisherOptions;
  #live: Place | undefined;
  /** The place under the split level before, for one hint period. */
  #former: Place | undefined;
  #token = 0;
  #refresh = 0;
  #formerUntil = 0;
  #lazyPending = false;
  #ringPending = false;
  #repeatPending = false;
  /** The trader may have lost what it kept. */
  #renewed = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** What is free changed, or whether it is offered. */
  changed(turn: Turn): void {
    const place = this.#place();
    if (place === undefined || this.#live === undefined || regionKey(place.region) !== regionKey(this.#live.region)) {
      return this.#publish(turn, place);
    }
    this.#publishLazily(turn);
  }

  /** Perhaps another trader answers for our key now, or hints tell of another split. */
  lookAgain(turn: Turn): void {
    if (this.#ringPending) return;
    this.#ringPending = true;
    this.#setTimer(turn, 'ring', turn.random.int(DISCOVERY.republishJitterMs));
  }

  /** A trader came back, or defended itself: if it restarted, it keeps no offers. */
  renewed(turn: Turn, trader: NodeId): void {
    if (this.#live?.trader !== trader) return;
    this.#renewed = true;
    this.lookAgain(turn);
  }

  timer(turn: Turn, timer: Timer): void {
    switch (timer.name) {
      case 'lazy':
        this.#lazyPending = false;
        return this.#publish(turn, this.#place());
      case 'refresh':
        return timer.token === this.#refresh ? this.#publish(turn, this.#place()) : undefined;
      case 'ring': {
        this.#ringPending = false;
        const place = this.#place();
        if (!this.#renewed && samePlace(place, this.#live)) return;
        this.#renewed = false;
        return this.#publish(turn, place);
      }
      case 'repeat':
        this.#repeatPending = false;
        return this.#publish(turn, this.#place());
      case 'former':
        return timer.token === this.#formerUntil ? this.#withdrawFormer(turn) : undefined;
      default:
    }
  }

  #place(): Place | undefined {
    const { self, directory, offered } = this.#options;
    const free = offered();
    const region = free === undefined ? undefined : regionOf(self().class, free);
    if (region === undefined) return undefined;
    const splitLevel = directory.hints.get(region)?.splitLevel ?? 0;
    const shard = shardOf(self().id, splitLevel);
    return { region, shard, splitLevel, trader: directory.ring.owner(directoryKey(region, shard)) ?? self().id };
  }

  #publish(turn: Turn, place: Place | undefined): void {
    const before = this.#live;
    this.#live = place;
    if (place !== undefined) this.#send(turn, place);
    if (samePlace(before, place)) return;
    if (place !== undefined) this.#options.directory.hints.suppose(place.region, turn.nowMs);
    if (place !== undefined && !this.#repeatPending) {
      this.#repeatPending = true;
      this.#setTimer(turn, 'repeat', DISCOVERY.repeatMs);
    }
    if (place !== undefined) this.#publishLazily(turn);
    if (before === undefined) return;
    const resharded = place !== undefined && regionKey(place.region) === regionKey(before.region) && place.splitLevel !== before.splitLevel;
    this.#withdrawFormer(turn);
    // A trader that moved the offer by its own reserve saw where it went, and dropped it.
    if (!resharded) return this.#options.hasTold(before.trader) ? undefined : this.#withdraw(turn, before);
    this.#former = before;
    this.#formerUntil = this.#setTimer(turn, 'former', DISCOVERY.hintMs);
  }

  #publishLazily(turn: Turn): void {
    if (this.#lazyPending) return;
    this.#lazyPending = true;
    this.#setTimer(turn, 'lazy', DISCOVERY.lazyMs);
  }

  #send(turn: Turn, { region, shard, trader }: Place): void {
    const { self, offered, epoch } = this.#options;
    const { id: supplier, class: cpuClass, arch, labels, name, draining } = self();
    const free = offered();
    if (free === undefined) return;
    const ttlMs = DISCOVERY.offerTtlMs;
    const offer = { supplier, class: cpuClass, arch, free, labels, name, draining, epoch: epoch(), ttlMs };
    turn.send(trader, { kind: 'publish', region, shard, offer });
    turn.emit({ kind: 'offer-published', region: regionKey(region), free });
    this.#refresh = this.#setTimer(turn, 'refresh', DISCOVERY.refreshMs);
  }

  #withdrawFormer(turn: Turn): void {
    const former = this.#former;
    this.#former = undefined;
    if (former !== undefined && !sameShard(former, this.#live)) this.#withdraw(turn, former);
  }

  #withdraw(turn: Turn, { region, shard, trader }: Place): void {
    turn.send(trader, { kind: 'withdraw', region, shard, epoch: this.#options.epoch() });
  }

  #setTimer(turn: Turn, name: string, afterMs: number): number {
    const token = ++this.#token;
    turn.setTimer({ machine: 'publisher', name, key: '', token }, afterMs);
    return token;
  }
}

function sameShard(a: Place, b: Place | undefined): boolean {
  return b !== undefined && regionKey(a.region) === regionKey(b.region) && a.shard === b.shard && a.trader === b.trader;
}

function samePlace(a: Place | undefined, b: Place | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameShard(a, b) && a.splitLevel === b.splitLevel;
}
