import type { Resources } from '../../core/model/index.ts';
import { Prng } from '../../lib/prng.ts';
import type { Ask } from '../workloads/contender.ts';
import type { ContenderSetup } from '../workloads/trial.ts';
import { Alignment } from './alignment.ts';
import { Baseline } from './baseline.ts';
import type { Effort } from './baseline.ts';
import { BYTES } from './wires.ts';

const PROBES = 8;
const ROUNDS = 4;
/** For the answers of a round, and to a reserve: three times the longest way there and back. */
const WAIT_MS = 480;
/** Until everybody knows that a node failed, and probes it no more. */
const DETECTION_MS = 8_000;

interface Candidate {
  readonly node: number;
  readonly free: Resources;
}

/**
 * No directory at all: ask eight nodes by chance, reserve on the best of those that have room (by our own
 * score), on the next best when it is taken meanwhile, and do so up to four times. Everybody knows who is there.
 */
export class Probing extends Baseline {
  readonly name = 'probing';
  readonly #random: Prng;
  readonly #known: number[];
  /** Where each node stands in #known. */
  readonly #index = new Map<number, number>();

  constructor(setup: ContenderSetup) {
    super(setup);
    this.#random = new Prng(setup.seed ^ PROBED);
    this.#known = setup.nodes.map((_, node) => node);
    for (const node of this.#known) this.#index.set(node, node);
  }

  override fail(node: number): void {
    super.fail(node);
    this.schedule.after(DETECTION_MS, () => {
      if (!this.cluster.isUp(node)) this.#forget(node);
    });
  }

  override join(node: number): void {
    super.join(node);
    if (this.#index.has(node)) return;
    this.#index.set(node, this.#known.length);
    this.#known.push(node);
  }

  protected begin(effort: Effort): void {
    this.#round(effort, 1, new Set());
  }

  /** @param reserved nodes that were asked for their room; never twice */
  #round(effort: Effort, round: number, reserved: Set<number>): void {
    if (round > ROUNDS) {
      this.answer(effort, undefined);
      return;
    }
    const { ask } = effort;
    const candidates: Candidate[] = [];
    const probed = this.#draw();
    let waiting = probed.length;
    let over = false;
    const decide = () => {
      if (over) return;
      over = true;
      this.#reserve(effort, round, reserved, this.#ranked(ask, candidates, reserved));
    };
    effort.hops += 2;
    for (const node of probed) {
      this.wires.send(ask.origin, node, BYTES.probe, () => {
        if (!this.cluster.isUp(node)) return;
        const free = this.cluster.free(node);
        this.wires.send(node, ask.origin, BYTES.answer, () => {
          candidates.push({ node, free });
          if (--waiting === 0) decide();
        });
      });
    }
    this.schedule.after(WAIT_MS, decide);
  }

  #reserve(effort: Effort, round: number, reserved: Set<number>, [next, ...others]: readonly Candidate[]): void {
    const { ask } = effort;
    if (next === undefined) {
      this.#round(effort, round + 1, reserved);
      return;
    }
    const { node } = next;
    let over = false;
    const goOn = () => {
      if (over) return;
      over = true;
      this.#reserve(effort, round, reserved, others);
    };
    const accepted = () => {
      if (over) this.wires.send(ask.origin, node, BYTES.cancel, () => this.cluster.release(node, ask.id));
      else this.answer(effort, node);
      over = true;
    };
    reserved.add(node);
    effort.hops += node === ask.origin ? 0 : 2;
    this.wires.send(ask.origin, node, BYTES.reserve, () => {
      if (!this.cluster.isUp(node)) return;
      if (this.cluster.hold(node, ask)) {
        this.wires.send(node, ask.origin, BYTES.accept, accepted);
        return;
      }
      this.wires.refusedReserves++;
      this.wires.send(node, ask.origin, BYTES.refuse, goOn);
    });
    this.schedule.after(WAIT_MS, goOn);
  }

  /** Those with room, best first. */
  #ranked(ask: Ask, candidates: readonly Candidate[], reserved: ReadonlySet<number>): readonly Candidate[] {
    const alignment = new Alignment(ask, this.cluster.meanCapacity);
    return candidates
      .filter(({ node }) => !reserved.has(node))
      .map((candidate) => {
        const { cpuMillicores, memoryBytes } = candidate.free;
        return { candidate, score: alignment.score(this.cluster.rank[candidate.node] as number, cpuMillicores, memoryBytes) };
      })
      .filter(({ score }) => score < Number.POSITIVE_INFINITY)
      .toSorted((a, b) => a.score - b.score)
      .map(({ candidate }) => candidate);
  }

  /** Nodes to probe, each another; all of a few. */
  #draw(): readonly number[] {
    if (this.#known.length <= PROBES) return this.#known.slice();
    const drawn = new Set<number>();
    while (drawn.size < PROBES) drawn.add(this.#random.pick(this.#known) as number);
    return [...drawn];
  }

  #forget(node: number): void {
    const at = this.#index.get(node);
    const last = this.#known.pop();
    if (at === undefined || last === undefined) return;
    if (last !== node) {
      this.#known[at] = last;
      this.#index.set(last, at);
    }
    this.#index.delete(node);
  }
}

const PROBED = 0x1b873593;
