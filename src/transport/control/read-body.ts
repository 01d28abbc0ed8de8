import type { Readable } from 'node:stream';

export class BodyTooLong extends Error {
  override name = 'BodyTooLong';
}

/** All of a body. @throws BodyTooLong past `limit` bytes; the rest is then left unread. */
export async function readBody(body: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new BodyTooLong(`the body is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
