import { setTimeout as sleep } from 'node:timers/promises';
import { type BlobSource, ImageError } from '../../port.ts';
import type { ArrivingBlob, Pace } from './arriving-blob.ts';
import type { BlobFeed } from './blob-feed.ts';
import type { BlobStore } from './blob-store.ts';
import { shortDigest } from './digest.ts';

export interface Download {
  readonly digest: string;
  /** Exactly so many bytes; undefined: not known beforehand. */
  readonly sizeBytes: number | undefined;
  readonly maxBytes: number;
  /** Tried in order. */
  readonly sources: readonly BlobSource[];
  readonly pace: Pace;
  /** Before asking a source again that broke off without getting on; so much more each time. */
  readonly retryMs: number;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
  /** Who reads along in the blob's file, if anybody. */
  readonly feedFor: (path: string) => BlobFeed | undefined;
}

/** Questions to one source for one blob that bring no more than PROGRESS_BYTES each. */
const ATTEMPTS_PER_SOURCE = 3;
/** What counts as getting on: a bad line may break as often as it likes, if it carries this much each time. */
const PROGRESS_BYTES = 2 ** 20;

/**
 * Brings a blob into the store, from the first source that has it and sends what its digest says. One
 * that broke off goes on where it was, at the same source or the next; if then the whole is wrong,
 * nobody knows whose part it was, and the source at hand may send all of it once more.
 * @throws ImageError
 */
export async function downloadBlob(blobs: BlobStore, download: Download): Promise<void> {
  const arriving = await blobs.arriving(download.digest, download.signal);
  const arrival = new Arrival(arriving, download);
  try {
    await arrival.take();
    await blobs.complete(arriving, download.digest);
    arrival.feed?.complete(arriving.sizeBytes);
  } finally {
    arrival.feed?.break();
    await arriving.close();
  }
}

class Arrival {
  feed: BlobFeed | undefined;
  readonly #arriving: ArrivingBlob;
  readonly #download: Download;

  constructor(arriving: ArrivingBlob, download: Download) {
    this.#arriving = arriving;
    this.#download = download;
    this.feed = download.feedFor(arriving.path);
  }

  async take(): Promise<void> {
    const { sources, digest, sizeBytes, maxBytes } = this.#download;
    if (this.#arriving.sizeBytes > (sizeBytes ?? maxBytes)) await this.#restart();
    this.feed?.advance(this.#arriving.sizeBytes);
    // A crash may have come between its last byte and its name.
    if (this.#arriving.sizeBytes > 0 && this.#arriving.digest() === digest) return;
    const failures: ImageError[] = [];
    for (const source of sources) {
      const result = await this.#takeFrom(source);
      if (result === 'arrived') return;
      if (result === 'absent') continue;
      // A full disk stays full whoever sends.
      if (result.code === 'no-space') throw result;
      failures.push(result);
    }
    throw explainFailures(digest, sources, failures);
  }

  async #takeFrom(source: BlobSource): Promise<'arrived' | 'absent' | ImageError> {
    const { digest, signal, retryMs } = this.#download;
    let isSecondChance = false;
    for (let idle = 0; ; ) {
      const before = this.#arriving.sizeBytes;
      try {
        const found = await this.#receiveFrom(source, before);
        if (!found) return 'absent';
        const lie = this.#lie();
        if (lie === undefined) return 'arrived';
        const isMixed = this.#arriving.pieces > 1;
        await this.#restart();
        if (!isMixed || isSecondChance) return new ImageError('corrupt', `${source.name} sent something else than ${digest}: ${lie}`);
        isSecondChance = true;
      } catch (error) {
        signal.throwIfAborted();
        const failure = error instanceof ImageError ? error : new ImageError('unreachable', `${source.name} broke off: ${String(error)}`);
        if (failure.code === 'corrupt' || failure.code === 'no-space') await this.#restart();
        if (failure.code !== 'failed') return failure;
        idle = this.#arriving.sizeBytes - before >= PROGRESS_BYTES ? 0 : idle + 1;
        if (idle === ATTEMPTS_PER_SOURCE) return failure;
        await sleep(retryMs * idle, undefined, { signal });
      }
    }
  }

  /** False: the source has it not. */
  async #receiveFrom(source: BlobSource, fromByte: number): Promise<boolean> {
    const { digest, signal, sizeBytes, maxBytes, pace, onBytes } = this.#download;
    const opened = await (fromByte === 0 ? source.open(digest, signal) : source.open(digest, signal, fromByte));
    if (opened === undefined) return false;
    const exact = sizeBytes ?? opened.sizeBytes;
    await this.#arriving.receive({
      stream: opened.stream,
      startsAt: opened.startsAt ?? 0,
      maxBytes: Math.min(exact ?? maxBytes, maxBytes),
      what: `${digest} from ${source.name}`,
      pace,
      signal,
      onBytes: (bytes) => {
        this.feed?.advance(bytes);
        onBytes(bytes);
      },
    });
    return true;
  }

  /** What is wrong with what has come. */
  #lie(): string | undefined {
    const { digest, sizeBytes } = this.#download;
    const came = this.#arriving.sizeBytes;
    if (sizeBytes !== undefined && came !== sizeBytes) return `${came} bytes instead of ${sizeBytes}`;
    const actual = this.#arriving.digest();
    return actual === digest ? undefined : actual;
  }

  /** Who reads along has read what may not be true. */
  async #restart(): Promise<void> {
    this.feed?.break();
    this.feed = undefined;
    await this.#arriving.reset();
  }
}

function explainFailures(digest: string, sources: readonly BlobSource[], failures: readonly ImageError[]): ImageError {
  const [only] = failures;
  if (only !== undefined && failures.length === 1) return only;
  if (only !== undefined)
    return new ImageError(only.code, `blob ${shortDigest(digest)} can't be had: ${failures.map(({ message }) => message).join('; ')}`);
  const asked = sources.length === 0 ? 'there is no source to ask' : `none of ${sources.map(({ name }) => name).join(', ')} has it`;
  return new ImageError('not-found', `blob ${digest} not found: ${asked}`);
}
