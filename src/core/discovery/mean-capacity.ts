import { NO_RESOURCES, add, subtract } from '../model/index.ts';
import type { NodeId, Resources } from '../model/index.ts';

/** Mean capacity over the members alive: the unit in which scores measure. */
export class MeanCapacity {
  readonly #capacities = new Map<NodeId, Resources>();
  #sum: Resources = NO_RESOURCES;

  set(id: NodeId, capacity: Resources): void {
    this.delete(id);
    this.#capacities.set(id, capacity);
    this.#sum = add(this.#sum, capacity);
  }

  delete(id: NodeId): void {
    const capacity = this.#capacities.get(id);
    if (capacity === undefined) return;
    this.#capacities.delete(id);
    this.#sum = subtract(this.#sum, capacity);
  }

  /** At least one unit of each, so that it can be divided by. */
  value(): Resources {
    const n = Math.max(1, this.#capacities.size);
    return { cpuMillicores: Math.max(1, this.#sum.cpuMillicores / n), memoryBytes: Math.max(1, this.#sum.memoryBytes / n) };
  }
}
