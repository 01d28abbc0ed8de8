import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';

/** Of an answer: the one before it on its connection, which was not all written when its request came. */
const earlierOf = new WeakMap<ServerResponse, ServerResponse>();

/**
 * A client may send its next request before we know that it has all of the answer before: where that tells its length,
 * its last bytes are there before its end is. Node's server holds such an answer back, without a connection till then.
 */
export function noteTurns(server: Server): void {
  const last = new WeakMap<Socket, ServerResponse>();
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const earlier = last.get(socket);
    if (earlier !== undefined && !earlier.writableFinished) earlierOf.set(response, earlier);
    last.set(socket, response);
  });
}

/** Until the answer has its connection, which a handler needs that takes it over. @throws ApiError 400, where it never will */
export async function ownTurn({ raw: { socket } }: FastifyRequest, { raw }: FastifyReply): Promise<void> {
  const earlier = earlierOf.get(raw);
  if (earlier === undefined || raw.socket !== null) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      earlier.off('finish', done);
      socket.off('close', done);
      resolve();
    };
    earlier.once('finish', done);
    socket.once('close', done);
    if (socket.destroyed) done();
  });
  if (raw.socket === null) throw new ApiError(400, 'the connection ended before it was the turn of this request: ask again on a new one');
}
