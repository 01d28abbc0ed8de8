/**
 * The unpacking child: short-lived, for one layer after another. It loads everything it needs, makes a
 * layer's directory its root, only then looks at the layer's first byte, and comes back when the layer
 * is done. It runs no code of a layer, and a layer's names can't name the way back: a descriptor.
 * Decompression and hashing happen here too, which keeps them off the daemon's event loop.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { constants, openSync, statfsSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { chroot } from '../../../../linux/chroot.ts';
import { returnToRoot } from '../../../../linux/return-to-root.ts';
import { hasCode } from '../../../../linux/system-error.ts';
import { compressionOf } from '../compression.ts';
import { FollowedFile } from './followed-file.ts';
import { LayerWriter } from './layer-writer.ts';
import { END, LIFELINE_FD, type UnpackedLayer, type UnpackOrder, type UnpackReport } from './protocol.ts';
import { TarError } from './tar-header.ts';
import { TarReader } from './tar-reader.ts';

const CHUNK_BYTES = 1024 * 1024;
const PROGRESS_EVERY_BYTES = 4 * 2 ** 20;
const SPACE_CHECK_EVERY_BYTES = 8 * 2 ** 20;

class NoSpace extends Error {
  override name = 'NoSpace';
}

function main(): void {
  process.umask(0);
  const realRoot = openSync('/', constants.O_RDONLY | constants.O_DIRECTORY);
  let blob: FollowedFile | undefined;
  let partial = '';
  const lifeline = new Socket({ fd: LIFELINE_FD }).setEncoding('utf8');
  // When the parent is gone, or needs no more, so is this process.
  lifeline.on('close', () => process.exit(1));
  lifeline.on('data', (text: string) => {
    const lines = (partial + text).split('\n');
    partial = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('{')) {
        const order = JSON.parse(line) as UnpackOrder;
        blob = new FollowedFile(openSync(order.blobPath, 'r'));
        void carryOut(order, blob, realRoot);
      } else if (line === END) blob?.whole();
      else blob?.allow(Number(line));
    }
  });
}

async function carryOut(order: UnpackOrder, blob: FollowedFile, realRoot: number): Promise<void> {
  try {
    chroot(order.root);
    const layer = await unpack(order, blob, createHash('sha256'));
    returnToRoot(realRoot);
    say({ kind: 'done', layer });
  } catch (error) {
    say(failure(error));
    process.exit(1);
  }
}

async function unpack(order: UnpackOrder, blob: FollowedFile, hash: ReturnType<typeof createHash>): Promise<UnpackedLayer> {
  const writer = new LayerWriter(order.layerEntries);
  const reader = new TarReader(writer);
  let bytes = 0;
  let checkedAt = -SPACE_CHECK_EVERY_BYTES;
  let reportedAt = 0;
  for await (const chunk of (await decompressed(blob)) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > order.unpackedLayerBytes) throw new TarError(`unpacked it has more than ${order.unpackedLayerBytes} bytes`);
    if (bytes - checkedAt >= SPACE_CHECK_EVERY_BYTES) {
      checkFreeSpace(order.freeDiskBytes);
      checkedAt = bytes;
    }
    hash.update(chunk);
    reader.write(chunk);
    const { readBytes } = blob;
    if (readBytes - reportedAt >= PROGRESS_EVERY_BYTES) {
      say({ kind: 'progress', readBytes });
      reportedAt = readBytes;
    }
  }
  reader.end();
  writer.finish();
  return { diffId: `sha256:${hash.digest('hex')}`, sizeBytes: writer.fileBytes, entries: writer.entries };
}

/** The blob by what it is, not by what its media type says: gzip (RFC 1952), zstd (RFC 8878), else a plain tar. */
async function decompressed(blob: FollowedFile): Promise<Readable> {
  if (blob.readableLength === 0 && !blob.readableEnded) await once(blob, 'readable');
  const head = (blob.read() as Buffer | null) ?? Buffer.alloc(0);
  if (head.length > 0) blob.unshift(head);
  const compression = compressionOf(head);
  if (compression === 'none') return blob;
  const options = { chunkSize: CHUNK_BYTES, readableHighWaterMark: 2 * CHUNK_BYTES };
  const decoder = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
  blob.on('error', (error) => decoder.destroy(error));
  return blob.pipe(decoder);
}

function checkFreeSpace(reserveBytes: number): void {
  const { bavail, bsize } = statfsSync('/');
  if (bavail * bsize < reserveBytes) throw new NoSpace(`less than ${reserveBytes / 2 ** 20} MiB would be left on the disk`);
}

function say(report: UnpackReport): void {
  writeSync(1, `${JSON.stringify(report)}\n`);
}

function failure(error: unknown): UnpackReport {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof NoSpace || hasCode(error, 'ENOSPC', 'EDQUOT')) return { kind: 'failed', code: 'no-space', message };
  const damaged =
    error instanceof TarError ||
    hasCode(error, 'ENAMETOOLONG', 'ELOOP') ||
    (error instanceof Error && 'code' in error && /^(Z_|ZSTD_|ERR_)/.test(String(error.code)));
  return { kind: 'failed', code: damaged ? 'corrupt' : 'failed', message };
}

try {
  main();
} catch (error) {
  say(failure(error));
  process.exit(1);
}
