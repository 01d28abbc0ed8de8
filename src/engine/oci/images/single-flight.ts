/**
 * One effort per key, shared by all who ask for it meanwhile. A caller's abort takes only that caller
 * out; the effort is aborted when nobody waits for it any more. If an effort fails that somebody else
 * began (with other sources, say), those who joined it begin their own.
 */
export class SingleFlight {
  readonly #flights = new Map<string, Flight>();

  async run(key: string, signal: AbortSignal, effort: (signal: AbortSignal) => Promise<void>): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const running = this.#flights.get(key);
      if (running === undefined) return this.#wait(this.#begin(key, effort), signal);
      try {
        return await this.#wait(running, signal);
      } catch {
        // Not ours: the next round throws if we are aborted, else tries itself.
      }
    }
  }

  #begin(key: string, effort: (signal: AbortSignal) => Promise<void>): Flight {
    const abort = new AbortController();
    const done = effort(abort.signal).finally(() => this.#flights.delete(key));
    done.catch(() => undefined);
    const flight: Flight = { done, abort, waiting: 0 };
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

interface Flight {
  readonly done: Promise<void>;
  readonly abort: AbortController;
  waiting: number;
}
