import type { AgreedVersion } from '../../core/model/index.ts';
import type { Entry } from '../port.ts';

/** The way from one version of the agreed state to a newer one. */
export interface Update {
  /** Also good for any copy between `from` and `version`. undefined: `entries` is all there is. */
  readonly from: AgreedVersion | undefined;
  readonly version: AgreedVersion;
  /** What was written since, as it is now. */
  readonly entries: readonly Entry[];
  readonly removed: readonly string[];
}

/** The copy as its node keeps it on disk. */
export interface KeptCopy {
  readonly version: AgreedVersion;
  readonly entries: readonly Entry[];
}

/** Where the copy is kept; survives the process. */
export interface CopyStore {
  agreed(): KeptCopy;
  /** All of it or nothing. `replace`: what is not in `put` goes. @throws Error with the cause, with nothing changed */
  putAgreed(change: {
    readonly version: AgreedVersion;
    readonly put: readonly Entry[];
    readonly remove: readonly string[];
    readonly replace: boolean;
  }): void;
}
