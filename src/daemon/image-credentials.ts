import type { ContainerId } from '../core/model/index.ts';
import type { RegistryCredentials } from '../engine/port.ts';

/** How long what a pull was given is kept (DESIGN §7), and of how many repositories. */
const KEPT_MS = 600_000;
const REPOSITORIES = 256;

interface Kept {
  readonly credentials: RegistryCredentials;
  readonly untilMs: number;
}

/**
 * What registries were told by those who pulled here, per repository: in memory only, never written or logged. While a
 * run of ours is under way, the node that is to have its container may borrow them: it alone was told the container's id.
 */
export class ImageCredentials {
  readonly #kept = new Map<string, Kept>();
  readonly #lent = new Map<ContainerId, RegistryCredentials>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  keep(reference: string, credentials: RegistryCredentials | undefined): void {
    if (credentials === undefined) return;
    const repository = repositoryOf(reference);
    this.#kept.delete(repository);
    this.#forgetOld();
    this.#kept.set(repository, { credentials, untilMs: this.#nowMs() + KEPT_MS });
  }

  of(reference: string): RegistryCredentials | undefined {
    this.#forgetOld();
    return this.#kept.get(repositoryOf(reference))?.credentials;
  }

  /** @param images reference by container: what this run is about */
  async lendWhile<T>(images: () => Iterable<readonly [ContainerId, string]>, work: () => Promise<T>): Promise<T> {
    this.#forgetOld();
    if (this.#kept.size === 0) return work();
    const lent: ContainerId[] = [];
    for (const [container, reference] of images()) {
      const credentials = this.of(reference);
      if (credentials === undefined) continue;
      this.#lent.set(container, credentials);
      lent.push(container);
    }
    try {
      return await work();
    } finally {
      for (const container of lent) this.#lent.delete(container);
    }
  }

  lentFor(container: ContainerId): RegistryCredentials | undefined {
    return this.#lent.get(container);
  }

  /** In the order in which they were kept: the oldest stand first. */
  #forgetOld(): void {
    for (const [repository, { untilMs }] of this.#kept) {
      if (untilMs > this.#nowMs() && this.#kept.size < REPOSITORIES) return;
      this.#kept.delete(repository);
    }
  }
}

/** `10.0.0.1:5000/x:1` → `10.0.0.1:5000/x`. */
function repositoryOf(reference: string): string {
  const named = reference.split('@')[0] ?? '';
  const colon = named.lastIndexOf(':');
  return colon > named.lastIndexOf('/') ? named.slice(0, colon) : named;
}
