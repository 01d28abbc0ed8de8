import type { Ask } from '../workloads/contender.ts';
import { Alignment } from './alignment.ts';
import { Baseline } from './baseline.ts';
import type { Effort } from './baseline.ts';
import { BYTES } from './wires.ts';

/**
 * Greedy with perfect knowledge: each request goes to the node that is best by our own score at that instant,
 * among all, as it truly is, and nobody takes that place from it. What is possible for one who places requests
 * one by one as they come; one that knew what comes next could do better.
 */
export class Oracle extends Baseline {
  readonly name = 'oracle';
  /** Asks whose node has not answered yet. */
  readonly #underway = new Map<Effort, number>();

  override fail(node: number): void {
    super.fail(node);
    for (const [effort, chosen] of this.#underway) if (chosen === node) this.begin(effort);
  }

  protected begin(effort: Effort): void {
    const { ask } = effort;
    const node = this.#choose(ask);
    if (node === undefined) {
      this.#underway.delete(effort);
      this.schedule.after(0, () => this.answer(effort, undefined));
      return;
    }
    this.cluster.hold(node, ask);
    this.#underway.set(effort, node);
    const hop = node === ask.origin ? 0 : 1;
    effort.hops += 2 * hop;
    this.wires.send(ask.origin, node, BYTES.reserve, () => {
      if (this.#underway.get(effort) !== node) return;
      this.#underway.delete(effort);
      this.wires.send(node, ask.origin, BYTES.accept, () => this.answer(effort, node));
    });
  }

  #choose(ask: Ask): number | undefined {
    const { freeCpu, freeMemory, rank, size, meanCapacity } = this.cluster;
    const alignment = new Alignment(ask, meanCapacity);
    let best: number | undefined;
    let bestScore = Number.POSITIVE_INFINITY;
    for (let node = 0; node < size; node++) {
      const score = alignment.score(rank[node] as number, freeCpu[node] as number, freeMemory[node] as number, bestScore);
      if (score < bestScore && this.cluster.isUp(node)) {
        best = node;
        bestScore = score;
      }
    }
    return best;
  }
}
