import type { Container, ContainerId } from '../../core/model/index.ts';
import { MemoryStore } from '../../store/fake/memory-store.ts';

/** The store of a simulated host, with a look at single records for the checkers. */
export class SimStore extends MemoryStore {
  readonly #index = new Map<ContainerId, Container>();

  get(id: ContainerId): Container | undefined {
    return this.#index.get(id);
  }

  ids(): IterableIterator<ContainerId> {
    return this.#index.keys();
  }

  override putContainer(container: Container): void {
    super.putContainer(container);
    this.#index.set(container.request.containerId, container);
  }

  override forgetContainer(id: ContainerId, removedAtMs: number): void {
    super.forgetContainer(id, removedAtMs);
    this.#index.delete(id);
  }
}
