import type { Log } from './log.ts';

/** Addresses change seldom; looking costs a system call or two. */
const LOOK_EVERY_MS = 5_000;
/** A change must last: a lease that is renewed may be gone for a moment. */
const LOOKS = 2;

/** Looks again and again whether the node must move to another address, and says so once. */
export class AddressWatch {
  readonly #timer: NodeJS.Timeout;

  constructor(hasMoved: () => Promise<boolean>, onMoved: () => void, log: Log) {
    let seen = 0;
    let looking = false;
    const look = async () => {
      seen = (await hasMoved()) ? seen + 1 : 0;
      if (seen < LOOKS) return;
      this.close();
      onMoved();
    };
    this.#timer = setInterval(() => {
      if (looking) return;
      looking = true;
      look()
        .catch((error: unknown) => log('warn', 'the addresses of this host cannot be read', { error: String(error) }))
        .finally(() => (looking = false));
    }, LOOK_EVERY_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
