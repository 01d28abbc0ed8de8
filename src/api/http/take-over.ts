import type { Duplex } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { API_LIMITS } from '../limits.ts';
import { readAll } from './body.ts';
import { wantsUpgrade } from './upgrade.ts';

/**
 * Whether a client that did not ask to upgrade is answered in raw bytes on its connection: Docker does so with whoever
 * attaches or starts an exec, and clients (dockerode, without `hijack`) send their input behind the body of their
 * request. Whose body is in chunks sends its input as that; so do nodes among each other, by HTTP/2.
 */
export const takesOver = ({ raw, headers }: FastifyRequest): boolean =>
  raw.httpVersionMajor === 1 && headers['transfer-encoding'] === undefined;

/** The client speaks raw bytes both ways from now on: it asked to, or Docker would have it so. */
export const goesRaw = (request: FastifyRequest): boolean => wantsUpgrade(request) || takesOver(request);

/** What the body says is in the query as well; the input begins behind it. @throws ApiError 413 */
export async function skipBody(request: FastifyRequest): Promise<void> {
  if (!wantsUpgrade(request) && takesOver(request)) await readAll(request.raw, API_LIMITS.jsonBodyBytes);
}

/** Of Node's parser, which would read a next request from what comes; `close` stays, by which it forgets the connection. */
const PARSER_EVENTS = ['data', 'end', 'drain', 'timeout', 'error', 'pause', 'resume'] as const;

/**
 * Answers 200 without a length, or 101 to whoever named an upgrade without asking for one (Go's programs do), and returns
 * the connection, from now on raw in both directions. The request's body has been read.
 */
export function takeOver(request: FastifyRequest, reply: FastifyReply, headers: Readonly<Record<string, string>>): Duplex {
  reply.hijack();
  const { socket } = request.raw;
  request.raw.on('error', () => undefined);
  reply.raw.detachSocket(socket);
  for (const event of PARSER_EVENTS) socket.removeAllListeners(event);
  // The parser reads past the socket until somebody listens: nobody may, where there is no input to pass on.
  const listener = (): void => undefined;
  socket.pause().on('data', listener).off('data', listener);
  socket.on('error', () => socket.destroy());
  const isNamed = request.headers.upgrade !== undefined;
  const all = Object.entries({ ...reply.getHeaders(), ...headers, ...(isNamed ? { connection: 'Upgrade', upgrade: 'tcp' } : {}) });
  socket.write(
    [isNamed ? 'HTTP/1.1 101 UPGRADED' : 'HTTP/1.1 200 OK', ...all.map(([name, value]) => `${name}: ${String(value)}`), '', ''].join(
      '\r\n',
    ),
  );
  return socket;
}
