import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { ImageError } from '../../../port.ts';
import { BlobFeed } from '../blob-feed.ts';
import { END, LIFELINE_FD, type UnpackedLayer, type UnpackOrder, type UnpackReport } from './protocol.ts';

export interface UnpackRequest extends UnpackOrder {
  /** child.ts, or its bundle. */
  readonly entry: string;
  readonly blobPath: string;
  /** Names the layer in errors. */
  readonly what: string;
  readonly signal: AbortSignal;
  readonly onProgress: (readBytes: number) => void;
  /** Where the blob is still arriving: as far as it goes. */
  readonly feed?: BlobFeed;
}

const MAX_STDERR_BYTES = 4096;
/** While it arrives the child hears of new bytes in steps of this many. */
const TELL_EVERY_BYTES = 256 * 1024;

/** child.ts beside this file, or `unpack.mjs` beside the bundle that this file has become part of. */
export function defaultUnpackEntry(): string {
  return import.meta.filename.endsWith('.ts') ? `${import.meta.dirname}/child.ts` : `${import.meta.dirname}/unpack.mjs`;
}

/**
 * Unpacks a layer blob (tar, plain or gzip or zstd) into the empty directory `root`, in a child that
 * can't leave it. Whatever it rejects with, the child is gone
 * and the partial tree is the caller's to remove. @throws ImageError corrupt, no-space, failed
 */
export async function unpack(request: UnpackRequest): Promise<UnpackedLayer> {
  request.signal.throwIfAborted();
  const blob = await open(request.blobPath, 'r');
  try {
    return await runChild(request, blob.fd, request.feed ?? wholeFeed(request.blobPath, (await blob.stat()).size));
  } finally {
    await blob.close();
  }
}

function wholeFeed(path: string, bytes: number): BlobFeed {
  const feed = new BlobFeed(path);
  feed.complete(bytes);
  return feed;
}

function runChild(request: UnpackRequest, blobFd: number, feed: BlobFeed): Promise<UnpackedLayer> {
  const { entry, what, signal, onProgress, root, unpackedLayerBytes, layerEntries, freeDiskBytes } = request;
  const order: UnpackOrder = { root, unpackedLayerBytes, layerEntries, freeDiskBytes };
  const { promise, resolve, reject } = Promise.withResolvers<UnpackedLayer>();
  const child = spawn(process.execPath, [entry, JSON.stringify(order)], { stdio: [blobFd, 'pipe', 'pipe', 'pipe'], env: {} });
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  let report: UnpackReport | undefined;
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-MAX_STDERR_BYTES);
  });
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      report = parseReport(line);
      if (report?.kind === 'progress') onProgress(report.readBytes);
    });
  }
  const lifeline = child.stdio[LIFELINE_FD] as Writable;
  lifeline.on('error', () => undefined);
  let isBroken = false;
  let told = 0;
  const unfollow = feed.follow((state) => {
    if (state.kind === 'broken') {
      isBroken = true;
      kill();
      return;
    }
    if (state.kind === 'coming' && state.bytes - told < TELL_EVERY_BYTES) return;
    told = state.bytes;
    lifeline.write(state.kind === 'complete' ? `${told}\n${END}\n` : `${told}\n`);
  });
  child.on('error', (error) => reject(new ImageError('failed', `${what} can't be unpacked: ${error.message}`)));
  child.on('close', (code, killedBy) => {
    signal.removeEventListener('abort', kill);
    unfollow();
    if (signal.aborted) reject(signal.reason as Error);
    else if (isBroken) reject(new ImageError('failed', `${what} can't be unpacked: it did not arrive whole`));
    else if (report?.kind === 'done') resolve(report.layer);
    else if (report?.kind === 'failed') reject(new ImageError(report.code, `${what} can't be unpacked: ${report.message}`));
    else reject(new ImageError('failed', `${what} can't be unpacked: its process ended with ${killedBy ?? code}. ${stderr.trim()}`));
  });
  return promise;
}

/** Undefined for a line that a killed child couldn't finish. */
function parseReport(line: string): UnpackReport | undefined {
  try {
    return JSON.parse(line) as UnpackReport;
  } catch {
    return undefined;
  }
}
