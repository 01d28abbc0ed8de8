import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { spawnChild } from '../../../../linux/spawn-child.ts';
import { ImageError } from '../../../port.ts';
import type { BlobFeed } from '../blob-feed.ts';
import { END, LIFELINE_FD, type UnpackedLayer, type UnpackOrder, type UnpackReport } from './protocol.ts';

export interface UnpackJob extends UnpackOrder {
  readonly feed: BlobFeed;
  /** Names the layer in errors. */
  readonly what: string;
  readonly signal: AbortSignal;
  readonly onProgress: (readBytes: number) => void;
}

const MAX_STDERR_BYTES = 4096;
/** While it arrives the child hears of new bytes in steps of this many. */
const TELL_EVERY_BYTES = 256 * 1024;

/** One unpacking child: one layer at a time. After a failure it is gone. */
export class UnpackChild {
  readonly #process: ChildProcess;
  readonly #lifeline: Writable;
  readonly #ended: Promise<string>;
  #onReport: (report: UnpackReport) => void = () => undefined;
  #stderr = '';
  #isAlive = true;

  constructor(entry: string) {
    this.#process = spawnChild(process.execPath, [entry], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], env: {} });
    const { stdout, stderr, stdio } = this.#process;
    this.#lifeline = stdio[LIFELINE_FD] as Writable;
    this.#lifeline.on('error', () => undefined);
    stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-MAX_STDERR_BYTES);
    });
    if (stdout !== null) {
      createInterface({ input: stdout }).on('line', (line) => {
        const report = parseReport(line);
        if (report !== undefined) this.#onReport(report);
      });
    }
    this.#ended = new Promise((resolve) => {
      this.#process.on('error', (error) => {
        this.#isAlive = false;
        resolve(error.message);
      });
      this.#process.on('close', (code, killedBy) => {
        this.#isAlive = false;
        resolve(`its process ended with ${killedBy ?? code}. ${this.#stderr.trim()}`);
      });
    });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** When it rejects, the process is gone. @throws ImageError corrupt, no-space, failed */
  async unpack(job: UnpackJob): Promise<UnpackedLayer> {
    const { root, blobPath, unpackedLayerBytes, layerEntries, freeDiskBytes, signal, what, onProgress } = job;
    const order: UnpackOrder = { root, blobPath, unpackedLayerBytes, layerEntries, freeDiskBytes };
    const kill = (): void => void this.#process.kill('SIGKILL');
    signal.addEventListener('abort', kill);
    if (signal.aborted) kill();
    let failure: Extract<UnpackReport, { kind: 'failed' }> | undefined;
    const done = new Promise<UnpackedLayer>((resolve) => {
      this.#onReport = (report) => {
        if (report.kind === 'progress') onProgress(report.readBytes);
        else if (report.kind === 'done') resolve(report.layer);
        else failure = report;
      };
    });
    this.#lifeline.write(`${JSON.stringify(order)}\n`);
    let isBroken = false;
    const unfollow = this.#pass(job.feed, () => {
      isBroken = true;
      kill();
    });
    try {
      const result = await Promise.race([done, this.#ended]);
      if (typeof result !== 'string') return result;
      if (signal.aborted) throw signal.reason as Error;
      if (isBroken) throw new ImageError('failed', `${what} can't be unpacked: it did not arrive whole`);
      throw new ImageError(failure?.code ?? 'failed', `${what} can't be unpacked: ${failure?.message ?? result}`);
    } finally {
      unfollow();
      signal.removeEventListener('abort', kill);
    }
  }

  /** It ends by itself; there is nothing that it could leave half done. */
  end(): void {
    this.#lifeline.end();
  }

  #pass(feed: BlobFeed, onBroken: () => void): () => void {
    let told = 0;
    return feed.follow((state) => {
      if (state.kind === 'broken') return onBroken();
      if (state.kind === 'coming' && state.bytes - told < TELL_EVERY_BYTES) return;
      told = state.bytes;
      this.#lifeline.write(state.kind === 'complete' ? `${told}\n${END}\n` : `${told}\n`);
    });
  }
}

/** Undefined for a line that a killed child couldn't finish. */
function parseReport(line: string): UnpackReport | undefined {
  try {
    return JSON.parse(line) as UnpackReport;
  } catch {
    return undefined;
  }
}
