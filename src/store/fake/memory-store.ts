import {
  type AgreedVersion,
  type Container,
  type ContainerId,
  LIMITS,
  type MemberRecord,
  NO_VERSION,
  type Tombstone,
} from '../../core/model/index.ts';
import type { KeptChange, KeptEntry, Store } from '../port.ts';

/** The store in memory, for tests: same contract, nothing survives the process. Values are copied in and out, as a disk would. */
export class MemoryStore implements Store {
  #containers = new Map<ContainerId, Container>();
  #documents = new Map<string, string>();
  #tombstones: Tombstone[] = [];
  #members: readonly MemberRecord[] = [];
  #incarnation = 0;
  #agreedVersion: AgreedVersion = NO_VERSION;
  #agreed = new Map<string, KeptEntry>();

  incarnation(): number {
    return this.#incarnation;
  }

  putIncarnation(incarnation: number): void {
    this.#incarnation = incarnation;
  }

  containers(): readonly Container[] {
    return [...this.#containers.values()].toSorted((a, b) => a.createdAtMs - b.createdAtMs);
  }

  putContainer(container: Container): void {
    this.#containers.set(container.request.containerId, structuredClone(container));
  }

  forgetContainer(id: ContainerId, removedAtMs: number): void {
    this.#containers.delete(id);
    this.#tombstones = [...this.#tombstones.filter((t) => t.containerId !== id), { containerId: id, removedAtMs }]
      .toSorted((a, b) => a.removedAtMs - b.removedAtMs)
      .slice(-LIMITS.tombstones);
  }

  tombstones(): readonly Tombstone[] {
    return this.#tombstones;
  }

  members(): readonly MemberRecord[] {
    return this.#members;
  }

  putMembers(members: readonly MemberRecord[]): void {
    this.#members = structuredClone(members);
  }

  agreed(): { readonly version: AgreedVersion; readonly entries: readonly KeptEntry[] } {
    return { version: this.#agreedVersion, entries: [...this.#agreed.values()] };
  }

  putAgreed({ version, put, remove, replace }: KeptChange): void {
    if (replace) this.#agreed.clear();
    for (const key of remove) this.#agreed.delete(key);
    for (const entry of put) this.#agreed.set(entry.key, structuredClone(entry));
    this.#agreedVersion = version;
  }

  document(name: string): unknown {
    const text = this.#documents.get(name);
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  }

  putDocument(name: string, value: unknown): void {
    this.#documents.set(name, JSON.stringify(value));
  }

  transaction(body: () => void): void {
    const before = [new Map(this.#containers), new Map(this.#documents), this.#tombstones, this.#members, this.#incarnation] as const;
    try {
      body();
    } catch (error) {
      [this.#containers, this.#documents, this.#tombstones, this.#members, this.#incarnation] = before;
      throw error;
    }
  }

  close(): void {}
}
