import type { Resources } from '../../core/model/index.ts';
import { Prng } from '../../lib/prng.ts';
import type { Schedule } from '../schedule.ts';
import type { Ask, Contender, NodeShape, Outcome } from './contender.ts';
import { Ledger } from './ledger.ts';
import { Tally } from './tally.ts';
import { draw } from './workload.ts';
import type { Workload } from './workload.ts';

/**
 * Where a demand meets a contender: draws what is asked for and where, keeps the books. What it draws depends
 * on the seed alone, so that each contender is asked the same in the same order.
 */
export class Arena {
  readonly contender: Contender;
  readonly nodes: number;
  readonly ledger: Ledger;
  /** For the demand's own use. */
  readonly random: Prng;
  /** For failures of nodes: drawn apart, so that the same fail at the same moments whoever places. */
  readonly failures: Prng;
  readonly #workload: Workload;
  readonly #requests: Prng;
  readonly #capacity: Resources;
  readonly #failedAt: number[];
  #tally: Tally;
  #asks = 0;
  /** Asks that have had no answer. */
  readonly #pending = new Map<number, { readonly ask: Ask; readonly tally: Tally }>();
  #finishedMs: number | undefined;
  lostWithNodes = 0;

  constructor(contender: Contender, workload: Workload, nodes: readonly NodeShape[], seed: number) {
    this.contender = contender;
    this.nodes = nodes.length;
    this.ledger = new Ledger(nodes);
    this.#workload = workload;
    this.#requests = new Prng(seed ^ REQUESTS);
    this.random = new Prng(seed ^ DEMAND);
    this.failures = new Prng(seed ^ FAILURES);
    this.#capacity = this.ledger.capacity;
    this.#failedAt = nodes.map(() => Number.NEGATIVE_INFINITY);
    this.#tally = this.measure([]);
  }

  get schedule(): Schedule {
    return this.contender.schedule;
  }

  get tally(): Tally {
    return this.#tally;
  }

  get outstanding(): number {
    return this.#pending.size;
  }

  /** When the demand had submitted its last; undefined: not yet. */
  get finishedMs(): number | undefined {
    return this.#finishedMs;
  }

  /** Counts anew from here; what was before led up to it. */
  measure(bandEnds: readonly number[]): Tally {
    this.#tally = new Tally(this.contender, this.nodes, this.#capacity, bandEnds);
    return this.#tally;
  }

  /** The demand has nothing more to come. */
  finish(): void {
    this.#finishedMs ??= this.schedule.nowMs;
  }

  submit(): void {
    if (this.ledger.alive === 0) return;
    const profile = draw(this.#workload.profiles, this.#requests);
    const kind = this.#workload.profiles[profile];
    if (kind === undefined) return;
    const ask: Ask = { id: this.#asks++, origin: this.#origin(), profile, ...kind.of };
    const tally = this.#tally;
    const submittedMs = this.schedule.nowMs;
    tally.onSubmitted(ask);
    this.#pending.set(ask.id, { ask, tally });
    this.contender.submit(ask, (outcome) => this.#settle(ask, outcome, submittedMs, tally));
  }

  stopAny(): void {
    const running = this.ledger.takeAny(this.random);
    if (running !== undefined) this.contender.stop(running.ask.id);
  }

  /** Draws a profile as submit does and stops the newest of it, if there is one. */
  stopOfDrawnProfile(): void {
    const running = this.ledger.takeNewest(draw(this.#workload.profiles, this.random));
    if (running !== undefined) this.contender.stop(running.ask.id);
  }

  fail(node: number): void {
    this.#failedAt[node] = this.schedule.nowMs;
    this.lostWithNodes += this.ledger.fail(node);
    this.contender.fail(node);
    for (const { ask, tally } of this.#pending.values()) {
      if (ask.origin !== node) continue;
      this.#pending.delete(ask.id);
      tally.onOrphaned(ask);
    }
  }

  join(node: number): void {
    this.ledger.join(node);
    this.contender.join(node);
  }

  #settle(ask: Ask, outcome: Outcome, submittedMs: number, tally: Tally): void {
    const { node } = outcome;
    // A node that failed since is not back so soon; if it is, it is empty.
    if (node !== undefined && (this.#failedAt[node] as number) < submittedMs) this.ledger.add({ ask, node });
    if (!this.#pending.delete(ask.id)) return;
    if (node === undefined) tally.onRefused(ask);
    else tally.onPlaced(ask, outcome);
    tally.sample();
  }

  /** Any node alive, each alike. */
  #origin(): number {
    let node = this.#requests.int(this.nodes);
    while (!this.ledger.isAlive(node)) node = this.#requests.int(this.nodes);
    return node;
  }
}

/** Streams of the same seed that have nothing to do with each other. */
const REQUESTS = 0x51ed270b;
const DEMAND = 0x2545f491;
const FAILURES = 0x6c078965;
