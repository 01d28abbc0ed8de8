import { promisify } from 'node:util';
import { gunzip, gunzipSync, gzip, gzipSync } from 'node:zlib';
import { SYNC_LIMITS } from './port.ts';

const zip = promisify(gzip);
const unzip = promisify(gunzip);
/** Bytes that cost less to work on than to hand to another thread. */
const SHORT = 32 * 1024;
const LEVEL = { level: 1 };

/** How everything of this room travels: gzipped JSON. */
export async function pack(value: unknown): Promise<Buffer> {
  const text = Buffer.from(JSON.stringify(value));
  return text.length <= SHORT ? gzipSync(text, LEVEL) : zip(text, LEVEL);
}

/** @throws Error where it is no gzipped JSON, or longer than `maxBytes` when unpacked */
export async function unpack(bytes: Buffer, maxBytes: number = SYNC_LIMITS.bytes): Promise<unknown> {
  const options = { maxOutputLength: maxBytes };
  // So few bytes may become many: only those that can't are unpacked here.
  const isShort = bytes.length <= 1_024 || maxBytes <= SHORT;
  const text = isShort ? gunzipSync(bytes, options) : await unzip(bytes, options);
  return JSON.parse(text.toString()) as unknown;
}
