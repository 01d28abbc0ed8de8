import { statSync, unlinkSync, writeFileSync } from 'node:fs';

/** A few of the largest records: a container's spec has at most LIMITS.specBytes. */
const RESERVE_BYTES = 2 * 1024 * 1024;
/** Between two tries to set the room aside again. */
const REFILL_MS = 60_000;

/**
 * Room on the disk that is set aside while there is some, as a file, and given up when the disk is full:
 * what must be written to stop and remove the containers that filled it then still can be.
 */
export class Reserve {
  readonly #path: string;
  #nextRefillMs = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Sets the room aside where that has not been done; a disk without room is tried again later. */
  refill(): void {
    const nowMs = performance.now();
    if (nowMs < this.#nextRefillMs) return;
    this.#nextRefillMs = nowMs + REFILL_MS;
    if (this.#isWhole()) return;
    try {
      // Not a sparse file: the blocks are what counts.
      writeFileSync(this.#path, Buffer.alloc(RESERVE_BYTES), { mode: 0o600 });
    } catch {
      this.release();
    }
  }

  /** @returns whether there was anything to give up */
  release(): boolean {
    this.#nextRefillMs = performance.now() + REFILL_MS;
    try {
      unlinkSync(this.#path);
      return true;
    } catch {
      return false;
    }
  }

  #isWhole(): boolean {
    try {
      return statSync(this.#path).size === RESERVE_BYTES;
    } catch {
      return false;
    }
  }
}
