import { type AgreedVersion, newerVersion, type NetworkId } from '../../core/model/index.ts';
import type { Entry } from '../port.ts';
import { decodeFact } from './codec.ts';
import type { Fact } from './fact.ts';
import type { AgreedChange } from './port.ts';
import type { CopyStore, Update } from './update.ts';
import { Views } from './views.ts';

/** Changes that are remembered by their revision: whoever is further behind gets the whole state. */
const REMEMBERED = 8_192;

export interface CopyHost {
  readonly store: CopyStore;
  /** Something that could not be read or kept, in words for the log. */
  report(message: string, facts: Readonly<Record<string, unknown>>): void;
}

/**
 * This node's copy of the agreed state (DESIGN §9b): what every decision here is taken by, also while no
 * majority answers. It only ever moves to a newer version, in whole steps: never a mixture of two versions.
 */
export class Copy {
  readonly #host: CopyHost;
  #entries = new Map<string, Entry>();
  #facts = new Map<string, Fact>();
  #views = new Views();
  #version: AgreedVersion;
  /** Keys by the revision that changed them, of all revisions after `#floor`. */
  #changes: { readonly revision: number; readonly key: string }[] = [];
  #floor: number;
  /** The disk lacks something: the next write is of all. */
  #isDiskBehind = false;
  readonly #listeners = new Set<(change: AgreedChange) => void>();

  constructor(host: CopyHost) {
    this.#host = host;
    const kept = host.store.agreed();
    this.#version = kept.version;
    this.#floor = kept.version.revision;
    for (const entry of kept.entries) this.#put(entry);
  }

  get version(): AgreedVersion {
    return this.#version;
  }

  get views(): Views {
    return this.#views;
  }

  entry(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** In byte order of the keys. */
  entries(): readonly Entry[] {
    return [...this.#entries.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Told after each step, when the copy shows it. Returns the way to stop listening. */
  onChange(listener: (change: AgreedChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `gap`: the update builds on something newer than this copy: ask for the difference. `old`: it is here already. */
  apply(update: Update): 'applied' | 'old' | 'gap' {
    const { from, version } = update;
    if (!newerVersion(version, this.#version)) return 'old';
    if (from === undefined) this.#replace(update);
    else if (from.epoch === this.#version.epoch && version.epoch === from.epoch && from.revision <= this.#version.revision)
      this.#step(update);
    else return 'gap';
    return 'applied';
  }

  /** What a copy at `since` lacks; undefined: nothing. */
  difference(since: AgreedVersion): Update | undefined {
    const version = this.#version;
    if (!newerVersion(version, since)) return undefined;
    if (since.epoch !== version.epoch || since.revision < this.#floor)
      return { from: undefined, version, entries: this.entries(), removed: [] };
    const first = this.#changes.findIndex((change) => change.revision > since.revision);
    const keys = new Set(first < 0 ? [] : this.#changes.slice(first).map((change) => change.key));
    const entries: Entry[] = [];
    const removed: string[] = [];
    for (const key of keys) {
      const entry = this.#entries.get(key);
      if (entry === undefined) removed.push(key);
      else entries.push(entry);
    }
    return { from: since, version, entries, removed };
  }

  #step({ version, entries, removed }: Update): void {
    const put = entries.filter((entry) => entry.modRevision > this.#version.revision);
    const gone = removed.filter((key) => this.#entries.has(key));
    const change = new ChangeBuilder(false);
    for (const key of gone) change.see(this.#remove(key));
    for (const entry of put) this.#replaceOne(entry, change);
    this.#version = version;
    for (const key of gone) this.#changes.push({ revision: version.revision, key });
    for (const { key } of put) this.#changes.push({ revision: version.revision, key });
    this.#forgetOldChanges();
    this.#keep(put, gone, false);
    this.#tell(change.change);
  }

  #replace({ version, entries }: Update): void {
    const sameEpoch = version.epoch === this.#version.epoch;
    const change = new ChangeBuilder(!sameEpoch);
    const there = new Set(entries.map((entry) => entry.key));
    const gone = [...this.#entries.keys()].filter((key) => !there.has(key));
    const put = entries.filter((entry) => !sameEpoch || this.#entries.get(entry.key)?.modRevision !== entry.modRevision);
    for (const key of gone) change.see(this.#remove(key));
    for (const entry of put) this.#replaceOne(entry, change);
    this.#version = version;
    this.#changes = [];
    this.#floor = version.revision;
    this.#keep(entries, gone, true);
    this.#tell(change.change);
  }

  #replaceOne(entry: Entry, change: ChangeBuilder): void {
    change.see(this.#remove(entry.key));
    change.see(this.#put(entry));
  }

  #put(entry: Entry): Fact | undefined {
    this.#entries.set(entry.key, entry);
    const decoded = decodeFact(entry.key, entry.value);
    if (!decoded.ok) {
      this.#host.report('an agreed entry is left aside', { key: entry.key, why: decoded.why });
      return undefined;
    }
    this.#facts.set(entry.key, decoded.fact);
    this.#views.add(entry.key, decoded.fact);
    return decoded.fact;
  }

  #remove(key: string): Fact | undefined {
    this.#entries.delete(key);
    const fact = this.#facts.get(key);
    if (fact === undefined) return undefined;
    this.#facts.delete(key);
    this.#views.remove(key, fact);
    return fact;
  }

  #forgetOldChanges(): void {
    const surplus = this.#changes.length - REMEMBERED;
    if (surplus <= 0) return;
    // A revision is remembered whole or not at all.
    this.#floor = this.#changes[surplus - 1]?.revision ?? this.#floor;
    this.#changes = this.#changes.filter((change) => change.revision > this.#floor);
  }

  /** A disk that takes nothing keeps nobody from following: what is on it stays whole, and older. */
  #keep(put: readonly Entry[], remove: readonly string[], replace: boolean): void {
    const all = replace || this.#isDiskBehind;
    try {
      this.#host.store.putAgreed({ version: this.#version, put: all ? this.entries() : put, remove: all ? [] : remove, replace: all });
      this.#isDiskBehind = false;
    } catch (error) {
      this.#isDiskBehind = true;
      this.#host.report('the copy of what is agreed could not be kept on disk', { error: (error as Error).message });
    }
  }

  #tell(change: AgreedChange): void {
    const failures: unknown[] = [];
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        failures.push(error);
      }
    }
    // What one makes of it keeps it from nobody else.
    if (failures.length > 0) throw failures[0];
  }
}

/** Collects what the facts that came and went touch. */
class ChangeBuilder {
  readonly #networks = new Set<NetworkId>();
  readonly #leases = new Set<NetworkId>();
  readonly #all: boolean;
  #nodes = false;

  constructor(all: boolean) {
    this.#all = all;
  }

  get change(): AgreedChange {
    return { networks: this.#networks, leases: this.#leases, nodes: this.#nodes, all: this.#all };
  }

  see(fact: Fact | undefined): void {
    if (fact?.kind === 'network') this.#networks.add(fact.network.id);
    else if (fact?.kind === 'lease') this.#leases.add(fact.lease.network);
    else if (fact?.kind === 'node') this.#nodes = true;
  }
}
