import type { Readable } from 'node:stream';
import { ApiError } from './api-error.ts';

/** A JSON body; undefined where there is none. @throws ApiError 400 (not JSON), 413 */
export async function readJson(body: Readable | undefined, limitBytes: number): Promise<unknown> {
  if (body === undefined) return undefined;
  const text = (await readAll(body, limitBytes)).toString('utf8').trim();
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, `the body must be JSON, got ${JSON.stringify(text.slice(0, 80))}`);
  }
}

/** The whole of a stream. @throws ApiError 413, destroying the stream */
export async function readAll(body: Readable, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer | string>) {
    const data = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    bytes += data.length;
    if (bytes > limitBytes) throw new ApiError(413, `the body may hold at most ${limitBytes} bytes, got more`);
    chunks.push(data);
  }
  return Buffer.concat(chunks, bytes);
}
