/**
 * One effort per key, shared by all who ask for it meanwhile. A caller's abort takes only that caller
 * out; the effort is aborted when nobody waits for it any more. If an effort fails that somebody else
 * began (with other sources, say), those who joined it begin their own, one after another; but not who
 * would only fail in the same way: many who wait for one registry that is down wait once.
 */
export class SingleFlight {
  readonly #flights = new Map<string, Flight>();

  async run(key: string, signal: AbortSignal, effort: (signal: AbortSignal) => Promise<void>, fate: Fate = ALONE): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const running = this.#flights.get(key);
      if (running === undefined) return this.#wait(this.#begin(key, effort, fate.means), signal);
      try {
        return await this.#wait(running, signal);
      } catch (error) {
        signal.throwIfAborted();
        // One that was given up did not fail by its means.
        if (!running.wasGivenUp && fate.sharesFate(error, running.means)) throw error;
      }
    }
  }

  #begin(key: string, effort: (signal: AbortSignal) => Promise<void>, means: readonly string[]): Flight {
    const abort = new AbortController();
    const done = effort(abort.signal).finally(() => this.#flights.delete(key));
    const flight: Flight = { done, abort, means, waiting: 0, wasGivenUp: false };
    done.catch(() => {
      flight.wasGivenUp = abort.signal.aborted;
    });
    this.#flights.set(key, flight);
    return flight;
  }

  async #wait(flight: Flight, signal: AbortSignal): Promise<void> {
    flight.waiting++;
    const aborted = Promise.withResolvers<never>();
    const leave = (): void => aborted.reject(signal.reason as Error);
    signal.addEventListener('abort', leave);
    try {
      await Promise.race([flight.done, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
      flight.waiting--;
      if (flight.waiting === 0) {
        flight.abort.abort(signal.reason);
        // Whoever aborts may rely on it: what the effort had begun is cleaned up when this returns.
        await flight.done.catch(() => undefined);
      }
    }
  }
}

/** What an effort would be made with, and whether one that failed with others' means says that this would fail, too. */
export interface Fate {
  readonly means: readonly string[];
  sharesFate(failure: unknown, means: readonly string[]): boolean;
}

const ALONE: Fate = { means: [], sharesFate: () => false };

interface Flight {
  readonly done: Promise<void>;
  readonly abort: AbortController;
  readonly means: readonly string[];
  waiting: number;
  /** It ended as nobody waited for it any more. */
  wasGivenUp: boolean;
}
