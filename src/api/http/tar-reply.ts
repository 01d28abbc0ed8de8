import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyReply } from 'fastify';
import type { ApiContext } from '../context.ts';
import { goneSignal } from './pump.ts';
import { startStream } from './stream-reply.ts';

export const TAR = 'application/x-tar';

interface Archive {
  readonly stream: Readable;
  readonly headers: Readonly<Record<string, string>>;
}

/** Answers with an archive while it is made. One that fails in the middle is cut off, which clients notice. */
export async function tarReply(
  context: ApiContext,
  reply: FastifyReply,
  open: (signal: AbortSignal) => Promise<Archive>,
): Promise<FastifyReply> {
  const leave = context.enter();
  const gone = goneSignal(reply.raw);
  try {
    const { stream, headers } = await open(gone.signal);
    const raw = startStream(reply, 200, headers);
    await pipeline(stream, raw).catch((error: unknown) => {
      context.backend.log('debug', 'an archive was cut off', { error: String(error) });
      raw.destroy();
    });
  } finally {
    gone.abort();
    leave();
  }
  return reply;
}
