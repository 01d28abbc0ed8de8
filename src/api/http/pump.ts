import { once } from 'node:events';

/** Where bytes go: a response of HTTP/1 or HTTP/2, or a socket. */
export interface Sink extends NodeJS.EventEmitter {
  write(chunk: Uint8Array): boolean;
  /** Keeps what is written until `uncork`; a response of HTTP/2 has neither. */
  cork?(): void;
  uncork?(): void;
}

/** Aborted once a viewer is gone, or its answer is complete. */
export function goneSignal(sink: NodeJS.EventEmitter): AbortController {
  const gone = new AbortController();
  sink.once('close', () => gone.abort());
  sink.once('error', () => gone.abort());
  return gone;
}

/**
 * Writes what the source yields, as fast as the viewer reads and no faster: a viewer that stops
 * reading costs one chunk. Returns when the source ended or the viewer left; never leaves the source open.
 */
export async function pump(source: AsyncIterable<Uint8Array>, sink: Sink, gone: AbortSignal): Promise<void> {
  const iterator = source[Symbol.asyncIterator]();
  const bundle = new Bundle(sink);
  let wake = (): void => undefined;
  gone.addEventListener('abort', () => wake(), { once: true });
  try {
    while (!gone.aborted) {
      // One promise a step and not a race against a lasting one, which would remember every step.
      const step = await new Promise<IteratorResult<Uint8Array> | undefined>((resolve, reject) => {
        wake = () => resolve(undefined);
        iterator.next().then(resolve, reject);
      });
      if (step === undefined || step.done === true) return;
      bundle.open();
      if (sink.write(step.value)) continue;
      bundle.close();
      await once(sink, 'drain', { signal: gone }).catch(() => undefined);
    }
  } finally {
    bundle.close();
    // Not awaited: a source that waits for its own next piece would hold us here for ever.
    iterator.return?.().catch(() => undefined);
  }
}

/** What comes at once goes at once: lines of a log are many, and a call of the system for each would be most of their cost. */
class Bundle {
  readonly #sink: Sink;
  #isOpen = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  open(): void {
    if (this.#isOpen || this.#sink.cork === undefined) return;
    this.#isOpen = true;
    this.#sink.cork();
    setImmediate(() => this.close());
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#sink.uncork?.();
  }
}
