import type { AgreedVersion, Container, ContainerId, MemberRecord, Tombstone } from '../core/model/index.ts';

/** A key of what is agreed, as this node has heard of it; the agreement room knows what it says. */
export interface KeptEntry {
  readonly key: string;
  readonly value: string;
  readonly modRevision: number;
  readonly createRevision: number;
}

export interface KeptChange {
  readonly version: AgreedVersion;
  readonly put: readonly KeptEntry[];
  readonly remove: readonly string[];
  /** What is not in `put` goes. */
  readonly replace: boolean;
}

/** What one node keeps across restarts. Writes are durable (fsynced) when they return. @throws Error naming the cause (disk full, …) with nothing changed */
export interface Store {
  incarnation(): number;
  putIncarnation(incarnation: number): void;
  containers(): readonly Container[];
  putContainer(container: Container): void;
  /** Deletes the record and writes the tombstone in one transaction; drops tombstones beyond LIMITS.tombstones. */
  forgetContainer(id: ContainerId, removedAtMs: number): void;
  tombstones(): readonly Tombstone[];
  members(): readonly MemberRecord[];
  /** The whole list: last known members, to come back by itself. Not fsynced. */
  putMembers(members: readonly MemberRecord[]): void;
  /** This node's copy of the agreed state; version 0.0 and nothing before the first. */
  agreed(): { readonly version: AgreedVersion; readonly entries: readonly KeptEntry[] };
  /** All of it or nothing. Not fsynced: an older copy is whole, too, and fetches what it lacks. */
  putAgreed(change: KeptChange): void;
  /** Small named documents: set-up, tokens, names and numbers given. JSON values. */
  document(name: string): unknown;
  putDocument(name: string, value: unknown): void;
  /**
   * What `body` writes becomes durable together, by one flush of the disk, or not at all. Not to be nested.
   * @throws what `body` throws
   */
  transaction(body: () => void): void;
  close(): void;
}
