import type { AgreedVersion } from '../../core/model/index.ts';
import { assertNever } from '../../lib/assert.ts';
import { checkTransaction } from '../check-transaction.ts';
import type { Change, Condition, Entry, Outcome, Transaction } from '../port.ts';

/** Everything of one revision. */
export interface Applied {
  readonly changes: readonly Change[];
  readonly version: AgreedVersion;
}

/** As many revisions as a member keeps for watches. */
const KEPT_REVISIONS = 1_000;

/**
 * What a majority holds, in memory and without time: the synchronous heart of the fake, and what the
 * simulation of the lease machine decides by. Revisions count as the engine's do: one for each
 * transaction that writes, for the whole store.
 */
export class MemoryCluster {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<() => void>();
  #history: Applied[] = [];
  #version: AgreedVersion = { epoch: 1, revision: 1 };

  get version(): AgreedVersion {
    return this.#version;
  }

  read(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** In byte order. */
  list(prefix: string): readonly Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.key.startsWith(prefix)).toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  apply(transaction: Transaction): Outcome {
    checkTransaction(transaction);
    const isOfAnother = transaction.epoch !== undefined && transaction.epoch !== this.#version.epoch;
    if (isOfAnother || !transaction.when.every((condition) => this.#holds(condition))) {
      const found = [...new Set(transaction.when.map(({ key }) => key))].flatMap((key) => this.#entries.get(key) ?? []);
      return { committed: false, version: this.#version, found };
    }
    if (transaction.then.length === 0) return { committed: true, version: this.#version, found: [] };
    const version = { ...this.#version, revision: this.#version.revision + 1 };
    const changes: Change[] = [];
    for (const write of transaction.then) {
      if ('put' in write) changes.push({ key: write.put, entry: this.#put(write.put, write.value, version.revision) });
      else if (this.#entries.delete(write.remove)) changes.push({ key: write.remove, entry: undefined });
    }
    this.#version = version;
    this.#history.push({ changes, version });
    if (this.#history.length > KEPT_REVISIONS) this.#history.shift();
    this.#tell();
    return { committed: true, version, found: [] };
  }

  /** What changed after `from`, oldest first; undefined: no longer known, or of another epoch. */
  changesAfter(from: AgreedVersion, prefix: string): readonly Applied[] | undefined {
    if (from.epoch !== this.#version.epoch || from.revision < this.#version.revision - this.#history.length) return undefined;
    return this.#history
      .filter(({ version }) => version.revision > from.revision)
      .map(({ changes, version }) => ({ changes: changes.filter(({ key }) => key.startsWith(prefix)), version }))
      .filter(({ changes }) => changes.length > 0);
  }

  /** Forgets how it came to what it holds. */
  compact(): void {
    this.#history = [];
  }

  /** As `agreement recover` and `restore` do: other entries, another epoch, revisions from the start. */
  recover(entries: Iterable<{ readonly key: string; readonly value: string }>, epoch: number): void {
    this.#entries.clear();
    this.#history = [];
    this.#version = { epoch, revision: 2 };
    for (const { key, value } of entries) this.#put(key, value, 2);
    this.#tell();
  }

  /** Calls after each change; returns the way to stop. */
  onApplied(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #put(key: string, value: string, revision: number): Entry {
    const entry = { key, value, modRevision: revision, createRevision: this.#entries.get(key)?.createRevision ?? revision };
    this.#entries.set(key, entry);
    return entry;
  }

  #holds(condition: Condition): boolean {
    const entry = this.#entries.get(condition.key);
    switch (condition.is) {
      case 'absent':
        return entry === undefined;
      case 'present':
        return entry !== undefined;
      case 'at':
        return (entry?.modRevision ?? 0) === condition.modRevision;
      default:
        return assertNever(condition);
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
