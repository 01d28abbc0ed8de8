import type { ContainerId, NodeId } from '../../core/model/index.ts';
import { API_LIMITS } from '../limits.ts';

/**
 * Which node holds a container, by full id: a container belongs to one node for ever, so a memory of
 * it is never wrong, only unneeded once the container is removed. Saves `docker run` a question to
 * every node at each of its four requests. Forgets the oldest beyond its bound.
 */
export class Whereabouts {
  readonly #nodes = new Map<ContainerId, NodeId>();

  remember(container: ContainerId, node: NodeId): void {
    this.#nodes.delete(container);
    this.#nodes.set(container, node);
    if (this.#nodes.size <= API_LIMITS.whereabouts) return;
    const oldest = this.#nodes.keys().next();
    if (oldest.done !== true) this.#nodes.delete(oldest.value);
  }

  of(container: string): NodeId | undefined {
    return this.#nodes.get(container as ContainerId);
  }
}
