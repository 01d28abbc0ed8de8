import { once } from 'node:events';

/** Where bytes go: a response of HTTP/1 or HTTP/2, or a socket. */
export interface Sink extends NodeJS.EventEmitter {
  write(chunk: Uint8Array): boolean;
}

/** What is gathered before it is written, bytes. */
const BUNDLE_BYTES = 64 * 1024;

/** Aborted once a viewer is gone, or its answer is complete. */
export function goneSignal(sink: NodeJS.EventEmitter): AbortController {
  const gone = new AbortController();
  sink.once('close', () => gone.abort());
  sink.once('error', () => gone.abort());
  return gone;
}

/**
 * Writes what the source yields, as fast as the viewer reads and no faster: a viewer that stops
 * reading costs one bundle. Returns when the source ended or the viewer left; never leaves the source open.
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
      if (bundle.push(step.value)) continue;
      await once(sink, 'drain', { signal: gone }).catch(() => undefined);
    }
  } finally {
    bundle.close(gone.aborted);
    // Not awaited: a source that waits for its own next piece would hold us here for ever.
    iterator.return?.().catch(() => undefined);
  }
}

/**
 * What comes at once goes at once, as one piece: lines of a log are many, and each that is written by itself is a chunk of
 * HTTP/1, or a frame of HTTP/2 in a TLS record of its own, which costs more than all else.
 */
class Bundle {
  readonly #sink: Sink;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #isDue = false;
  #isGone = false;
  /** What was written last, perhaps by nobody's turn but its own, has not gone yet. */
  #isFull = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** False: wait for `drain`. */
  push(piece: Uint8Array): boolean {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes >= BUNDLE_BYTES) this.#write();
    else if (!this.#isDue) {
      this.#isDue = true;
      setImmediate(() => {
        this.#isDue = false;
        this.close(false);
      });
    }
    return !this.#isFull;
  }

  /** What nobody reads any more is left. */
  close(isGone: boolean): void {
    if (isGone) this.#isGone = true;
    if (this.#bytes > 0 && !this.#isGone) this.#write();
  }

  #write(): void {
    const [first] = this.#pieces;
    const all = this.#pieces.length === 1 && first !== undefined ? first : Buffer.concat(this.#pieces, this.#bytes);
    this.#pieces = [];
    this.#bytes = 0;
    if (this.#sink.write(all) || this.#isFull) return;
    this.#isFull = true;
    this.#sink.once('drain', () => (this.#isFull = false));
  }
}
