import { request } from 'node:http';
import type { Readable } from 'node:stream';

export interface Timed {
  readonly status: number;
  readonly bytes: number;
  /** From the request's first byte to the answer's last. */
  readonly tookMs: number;
  /** The answer's end, for what streams say last. */
  readonly last: string;
}

const LAST_BYTES = 2_000;

/** A request over a unix socket whose answer is read and dropped. @throws Error where it is refused */
export function timedRequest(socketPath: string, method: string, path: string, body?: Readable | Buffer): Promise<Timed> {
  const { promise, resolve, reject } = Promise.withResolvers<Timed>();
  const began = performance.now();
  const headers =
    body === undefined ? {} : { 'content-type': 'application/x-tar', ...(Buffer.isBuffer(body) && { 'content-length': body.length }) };
  const sent = request({ socketPath, method, path, headers, agent: false }, (response) => {
    let bytes = 0;
    let last: Buffer = Buffer.alloc(0);
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      last = (chunk.length >= LAST_BYTES ? chunk : Buffer.concat([last, chunk])).subarray(-LAST_BYTES);
    });
    response.on('error', reject);
    response.on('end', () => {
      const status = response.statusCode ?? 0;
      const text = last.toString('latin1');
      if (status > 399) reject(new Error(`${method} ${path} answered ${status}: ${text}`));
      else resolve({ status, bytes, tookMs: performance.now() - began, last: text });
    });
  });
  sent.on('error', reject);
  if (body === undefined || Buffer.isBuffer(body)) sent.end(body);
  else body.pipe(sent);
  return promise;
}
