import { NO_RESOURCES, add, fits, subtract } from '../../core/model/index.ts';
import type { Resources } from '../../core/model/index.ts';
import { classRank } from '../../core/model/filter.ts';
import { assert } from '../../lib/assert.ts';
import type { Ask, NodeShape } from '../workloads/contender.ts';

/**
 * Nodes as they truly are, for contenders without a core of ours. Only a node itself admits, by what it has
 * free, whatever anyone else believes. Figures lie in arrays: baselines look at all nodes for each request.
 */
export class Cluster {
  readonly nodes: readonly NodeShape[];
  readonly freeCpu: Float64Array;
  readonly freeMemory: Float64Array;
  readonly rank: Uint8Array;
  readonly #up: boolean[];
  readonly #holds: readonly Map<number, Resources>[];
  #capacity: Resources;
  #used = NO_RESOURCES;
  #upCount: number;

  constructor(nodes: readonly NodeShape[]) {
    this.nodes = nodes;
    this.freeCpu = Float64Array.from(nodes, ({ capacity }) => capacity.cpuMillicores);
    this.freeMemory = Float64Array.from(nodes, ({ capacity }) => capacity.memoryBytes);
    this.rank = Uint8Array.from(nodes, (node) => classRank(node.class));
    this.#up = nodes.map(() => true);
    this.#upCount = nodes.length;
    this.#holds = nodes.map(() => new Map());
    this.#capacity = nodes.reduce((sum, { capacity }) => add(sum, capacity), NO_RESOURCES);
  }

  get size(): number {
    return this.nodes.length;
  }

  get used(): Resources {
    return this.#used;
  }

  /** Of the nodes that are up. */
  get capacity(): Resources {
    return this.#capacity;
  }

  /** Of the nodes that are up; the unit of scores. */
  get meanCapacity(): Resources {
    const n = Math.max(1, this.#upCount);
    return {
      cpuMillicores: Math.max(1, this.#capacity.cpuMillicores / n),
      memoryBytes: Math.max(1, this.#capacity.memoryBytes / n),
    };
  }

  isUp(node: number): boolean {
    return this.#up[node] === true;
  }

  free(node: number): Resources {
    return { cpuMillicores: this.freeCpu[node] ?? 0, memoryBytes: this.freeMemory[node] ?? 0 };
  }

  fits(node: number, ask: Ask): boolean {
    return this.isUp(node) && (this.rank[node] ?? 0) >= classRank(ask.class) && fits(ask.resources, this.free(node));
  }

  fitsSomewhere(ask: Ask): boolean {
    for (let node = 0; node < this.size; node++) if (this.fits(node, ask)) return true;
    return false;
  }

  /** The node admits the ask, or not. */
  hold(node: number, ask: Ask): boolean {
    if (!this.fits(node, ask)) return false;
    assert(!this.#holdsOf(node).has(ask.id), `node ${node} holds ask ${ask.id} already`);
    this.#holdsOf(node).set(ask.id, ask.resources);
    this.#used = add(this.#used, ask.resources);
    this.#setFree(node, subtract(this.free(node), ask.resources));
    return true;
  }

  /** @returns what it held; undefined where it holds nothing of this ask (any more) */
  release(node: number, ask: number): Resources | undefined {
    const held = this.#holdsOf(node).get(ask);
    if (held === undefined) return undefined;
    this.#holdsOf(node).delete(ask);
    this.#used = subtract(this.#used, held);
    this.#setFree(node, add(this.free(node), held));
    return held;
  }

  fail(node: number): void {
    if (!this.isUp(node)) return;
    for (const ask of this.#holdsOf(node).keys()) this.release(node, ask);
    this.#setUp(node, false);
  }

  join(node: number): void {
    if (!this.isUp(node)) this.#setUp(node, true);
  }

  #setUp(node: number, up: boolean): void {
    const { capacity } = this.nodes[node] as NodeShape;
    this.#up[node] = up;
    this.#upCount += up ? 1 : -1;
    this.#capacity = up ? add(this.#capacity, capacity) : subtract(this.#capacity, capacity);
  }

  #setFree(node: number, free: Resources): void {
    this.freeCpu[node] = free.cpuMillicores;
    this.freeMemory[node] = free.memoryBytes;
  }

  #holdsOf(node: number): Map<number, Resources> {
    return this.#holds[node] as Map<number, Resources>;
  }
}
