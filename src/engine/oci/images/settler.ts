import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { syncfs } from '../../../linux/syncfs.ts';

/** Brings to the disk what is not there yet, with nobody waiting for it; one effort at a time. */
export class Settler {
  readonly #dir: string;
  readonly #settle: (sync: () => Promise<void>) => Promise<void>;
  readonly #log: (message: string) => void;
  #isWanted = false;
  #running: Promise<void> | undefined;
  #isClosed = false;

  /** @param dir on the file system that is written out */
  constructor(dir: string, settle: (sync: () => Promise<void>) => Promise<void>, log: (message: string) => void) {
    this.#dir = dir;
    this.#settle = settle;
    this.#log = log;
  }

  request(): void {
    void this.settle();
  }

  /** Resolves when what is there now was written, or could not be. */
  settle(): Promise<void> {
    this.#isWanted = true;
    if (this.#running === undefined && this.#isClosed) return Promise.resolve();
    this.#running ??= this.#run();
    return this.#running;
  }

  /** What is under way ends; nothing else begins. */
  close(): void {
    this.#isClosed = true;
  }

  async #run(): Promise<void> {
    while (this.#isWanted && !this.#isClosed) {
      this.#isWanted = false;
      try {
        await this.#settle(() => this.#sync());
      } catch (error) {
        this.#log(`writing images to the disk: ${String(error)}; it is tried again with the next one`);
      }
    }
    // In the same turn in which it was seen that nobody wants more: who comes later begins anew.
    this.#running = undefined;
  }

  async #sync(): Promise<void> {
    const directory = await open(this.#dir, 'r');
    try {
      await syncfs(directory.fd);
    } finally {
      await directory.close();
    }
  }
}

/** Of the running kernel: another after each boot. */
export function currentBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
