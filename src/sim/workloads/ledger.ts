import { add, fits, subtract, NO_RESOURCES } from '../../core/model/index.ts';
import type { Resources } from '../../core/model/index.ts';
import type { Prng } from '../../lib/prng.ts';
import type { Ask, NodeShape } from './contender.ts';

/** A container that the trial was told of. */
export interface Running {
  readonly ask: Ask;
  readonly node: number;
}

/**
 * What a trial knows to be running, from what the contender told it: that a container is there was said after
 * it took its place, and it is struck out before it gives it back. So a node's containers in here never add up
 * to more than its capacity, unless it was oversold.
 */
export class Ledger {
  readonly #nodes: readonly NodeShape[];
  readonly #onNode: Resources[];
  readonly #isAlive: boolean[];
  readonly #running: Running[] = [];
  /** Where in #running a container stands, by ask. */
  readonly #index = new Map<number, number>();
  /** By profile, newest last; those that are gone already are passed over. */
  readonly #newest = new Map<number, Running[]>();
  #alive: number;
  #used = NO_RESOURCES;
  #capacity: Resources;
  /** Times that a node was told to hold more than it has. */
  oversold = 0;

  constructor(nodes: readonly NodeShape[]) {
    this.#nodes = nodes;
    this.#onNode = nodes.map(() => NO_RESOURCES);
    this.#isAlive = nodes.map(() => true);
    this.#alive = nodes.length;
    this.#capacity = nodes.reduce((sum, { capacity }) => add(sum, capacity), NO_RESOURCES);
  }

  get size(): number {
    return this.#running.length;
  }

  /** Nodes alive. */
  get alive(): number {
    return this.#alive;
  }

  /** Of the nodes alive. */
  get capacity(): Resources {
    return this.#capacity;
  }

  isAlive(node: number): boolean {
    return this.#isAlive[node] === true;
  }

  /** The larger of CPU and memory in use, of the nodes alive; 0 to 1. */
  utilisation(): number {
    return largerShare(this.#used, this.#capacity);
  }

  add(running: Running): void {
    const { ask, node } = running;
    this.#index.set(ask.id, this.#running.length);
    this.#running.push(running);
    const ofProfile = this.#newest.get(ask.profile);
    if (ofProfile === undefined) this.#newest.set(ask.profile, [running]);
    else ofProfile.push(running);
    const onNode = add(this.#onNode[node] ?? NO_RESOURCES, ask.resources);
    this.#onNode[node] = onNode;
    this.#used = add(this.#used, ask.resources);
    if (!fits(onNode, this.#nodes[node]?.capacity ?? NO_RESOURCES)) this.oversold++;
  }

  /** Strikes out any one; undefined where nothing runs. */
  takeAny(random: Prng): Running | undefined {
    const running = random.pick(this.#running);
    if (running !== undefined) this.#strike(running);
    return running;
  }

  /** Strikes out the newest of a profile; undefined where none runs. */
  takeNewest(profile: number): Running | undefined {
    const ofProfile = this.#newest.get(profile) ?? [];
    for (let last = ofProfile.pop(); last !== undefined; last = ofProfile.pop()) {
      if (!this.#index.has(last.ask.id)) continue;
      this.#strike(last);
      return last;
    }
    return undefined;
  }

  /** A node and all on it are gone. @returns how many containers that were */
  fail(node: number): number {
    this.#isAlive[node] = false;
    this.#alive--;
    this.#capacity = subtract(this.#capacity, this.#nodes[node]?.capacity ?? NO_RESOURCES);
    const gone = this.#running.filter((running) => running.node === node);
    for (const running of gone) this.#strike(running);
    return gone.length;
  }

  join(node: number): void {
    this.#isAlive[node] = true;
    this.#alive++;
    this.#capacity = add(this.#capacity, this.#nodes[node]?.capacity ?? NO_RESOURCES);
  }

  #strike({ ask, node }: Running): void {
    const at = this.#index.get(ask.id) as number;
    const last = this.#running.pop() as Running;
    if (last.ask.id !== ask.id) {
      this.#running[at] = last;
      this.#index.set(last.ask.id, at);
    }
    this.#index.delete(ask.id);
    this.#onNode[node] = subtract(this.#onNode[node] ?? NO_RESOURCES, ask.resources);
    this.#used = subtract(this.#used, ask.resources);
  }
}

/** The larger of CPU's and memory's part of `whole`. */
export function largerShare(part: Resources, whole: Resources): number {
  return Math.max(part.cpuMillicores / Math.max(1, whole.cpuMillicores), part.memoryBytes / Math.max(1, whole.memoryBytes));
}
