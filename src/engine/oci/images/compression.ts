import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

export type Compression = 'none' | 'gzip' | 'zstd';

const MAGIC_BYTES = 4;

/** By what it is, not by what its media type or name says: gzip (RFC 1952), zstd (RFC 8878), else none. */
export function compressionOf(head: Buffer): Compression {
  if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return 'gzip';
  return head.length >= MAGIC_BYTES && head.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : 'none';
}

/** A stream whose beginning has been looked at; it gives all of it. */
export async function peeked(stream: Readable): Promise<{ readonly stream: Readable; readonly compression: Compression }> {
  const chunks: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let head = Buffer.alloc(0);
  for (let ended = false; head.length < MAGIC_BYTES && !ended; ) {
    const next = await chunks.next();
    ended = next.done === true;
    if (next.done !== true) head = Buffer.concat([head, next.value]);
  }
  return { stream: Readable.from(prepend(head, chunks), { objectMode: false }), compression: compressionOf(head) };
}

/** A tar, plain or gzip or zstd, as plain. */
export async function decompressed(stream: Readable): Promise<Readable> {
  const whole = await peeked(stream);
  if (whole.compression === 'none') return whole.stream;
  const decoder = whole.compression === 'gzip' ? createGunzip() : createZstdDecompress();
  return pipeline(whole.stream, decoder, () => undefined);
}

async function* prepend(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
