import type { Container, ContainerId, MemberRecord } from '../../core/model/index.ts';
import { MemoryStore } from '../../store/fake/memory-store.ts';

/** The store of a simulated host, with a look at single records for the checkers. */
export class SimStore extends MemoryStore {
  readonly #index = new Map<ContainerId, Container>();

  #members: readonly MemberRecord[] = [];

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

  override members(): readonly MemberRecord[] {
    return this.#members;
  }

  /** Kept as they are: the core never changes a record, and copies of all of them at each change are most of a large run's time. */
  override putMembers(members: readonly MemberRecord[]): void {
    this.#members = members;
  }
}
