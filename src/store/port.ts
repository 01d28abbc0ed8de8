import type { Container, ContainerId, MemberRecord, Tombstone } from '../core/model/index.ts';

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
