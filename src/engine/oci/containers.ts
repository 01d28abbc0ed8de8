import { type ContainerId, shortId } from '../../core/model/index.ts';
import { EngineError } from '../port.ts';
import type { HeldContainer } from './held-container.ts';
import { KeyedLock } from './keyed-lock.ts';

/** What the engine's parts need to find a container by. */
export interface ContainerLookup {
  /** @throws EngineError no-such-container */
  held(id: ContainerId): HeldContainer;
  all(): Iterable<HeldContainer>;
}

/** The engine's containers. What is to happen to one after the other takes `lock`. */
export class Containers implements ContainerLookup {
  readonly lock = new KeyedLock<ContainerId>();
  readonly #held = new Map<ContainerId, HeldContainer>();

  held(id: ContainerId): HeldContainer {
    const held = this.#held.get(id);
    if (held === undefined) throw new EngineError('no-such-container', `this node's engine has no container ${shortId(id)}`);
    return held;
  }

  find(id: ContainerId): HeldContainer | undefined {
    return this.#held.get(id);
  }

  all(): HeldContainer[] {
    return [...this.#held.values()];
  }

  running(): HeldContainer[] {
    return this.all().filter((held) => held.running !== undefined);
  }

  add(held: HeldContainer): void {
    this.#held.set(held.record.id, held);
  }

  delete(id: ContainerId): void {
    this.#held.delete(id);
  }
}
