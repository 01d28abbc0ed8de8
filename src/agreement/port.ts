import type { AgreedVersion } from '../core/model/index.ts';

/**
 * What must never be decided twice, as keys and values that a majority of the agreement members hold
 * (DESIGN §9b). Values are texts; who writes them versions them. All reads are linearizable.
 */
export interface ReplicatedStore {
  /** @throws AgreementUnavailable */
  get(key: string): Promise<Answer<Entry | undefined>>;
  /** All keys that begin with `prefix`, in byte order. @throws AgreementUnavailable */
  range(prefix: string): Promise<Answer<readonly Entry[]>>;
  /**
   * All of `then` where each condition holds, else nothing. Safe to repeat: each transaction carries an
   * owner token, so that one whose answer was lost is recognised. @throws AgreementUnavailable
   */
  transact(transaction: Transaction): Promise<Outcome>;
  /**
   * Changes after `revision`, in order, until `signal` aborts. `onLost`: changes were missed (compacted, another
   * epoch): this watch is over; range again, then watch from there.
   */
  watch(prefix: string, revision: number, listener: WatchListener, signal: AbortSignal): void;
}

/** All that deciding needs: a node that is no member has this by way of one. */
export type StoreAccess = Omit<ReplicatedStore, 'watch'>;

export interface Entry {
  readonly key: string;
  readonly value: string;
  /** Of the last change, and of the creation. */
  readonly modRevision: number;
  readonly createRevision: number;
}

export interface Answer<T> {
  readonly value: T;
  readonly version: AgreedVersion;
}

export type Condition =
  | { readonly key: string; readonly is: 'absent' }
  | { readonly key: string; readonly is: 'present' }
  /** Unchanged since this revision; 0: never written. */
  | { readonly key: string; readonly is: 'at'; readonly modRevision: number };

export type Write = { readonly put: string; readonly value: string } | { readonly remove: string };

/** At most 64 conditions and writes together; no key written twice. */
export interface Transaction {
  readonly when: readonly Condition[];
  readonly then: readonly Write[];
  /** Of what the conditions were read; in another epoch, where revisions count anew, the transaction never holds. */
  readonly epoch?: number;
}

export interface Outcome {
  /** Whether the conditions held and the writes are committed. */
  readonly committed: boolean;
  readonly version: AgreedVersion;
  /** Where not committed: what the conditions' keys hold now, those that exist. */
  readonly found: readonly Entry[];
}

export interface Change {
  readonly key: string;
  /** undefined: removed. */
  readonly entry: Entry | undefined;
}

export interface WatchListener {
  /** Everything of one revision comes in one call. */
  onChanges(changes: readonly Change[], version: AgreedVersion): void;
  onLost(): void;
}

/**
 * No majority answered within the deadline (2.5 s, retries included). Reads changed nothing; a write may have
 * been committed unless `changed` says no: read again before deciding anew.
 */
export class AgreementUnavailable extends Error {
  override name = 'AgreementUnavailable';
  /** `no`: certainly nothing was written. */
  readonly changed: 'no' | 'unknown';
  constructor(message: string, changed: AgreementUnavailable['changed']) {
    super(message);
    this.changed = changed;
  }
}
