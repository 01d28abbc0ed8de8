import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { API_LIMITS } from '../limits.ts';

/** Connections whose client asked to go on in raw bytes, until a handler takes one or answers in HTTP. */
const offered = new WeakMap<IncomingMessage, { readonly socket: Duplex; readonly response: ServerResponse; readonly body: Buffer }>();

/** Node's server forgets a connection that was upgraded, but still waits for it when it closes. */
export interface UpgradedConnections {
  destroyAll(): void;
}

/**
 * Docker's clients attach by `Upgrade: tcp`. Node hands such a request out with its socket and no
 * response; this gives it one, so that the same routes answer it: with 101, or with an ordinary error.
 */
export function acceptUpgrades(server: Server, app: FastifyInstance): UpgradedConnections {
  const open = new Set<Duplex>();
  /** The last answer of each connection. */
  const answers = new WeakMap<Duplex, ServerResponse>();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => answers.set(request.socket, response));
  const offer = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const response = new ServerResponse(request);
    // Docker's client takes what follows `Connection: close` for the raw stream: errors must not say it.
    response.shouldKeepAlive = true;
    // A plain server's sockets are net.Sockets, which is what a response is bound to.
    response.assignSocket(socket as unknown as Parameters<ServerResponse['assignSocket']>[0]);
    response.on('finish', () => socket.end());
    // A client need not wait for the answer with what follows its request.
    if (head.length > 0) socket.unshift(head);
    const bytes = bodyBytes(request);
    const answer = (body: Buffer): void => {
      offered.set(request, { socket, response, body });
      app.routing(request, response);
    };
    if (bytes > API_LIMITS.jsonBodyBytes) socket.end('HTTP/1.1 413 Payload Too Large\r\n\r\n');
    else take(socket, bytes, [], answer);
  };
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    const before = answers.get(socket);
    // A client may ask before we know that it has all of the answer before: the connection is still that one's.
    if (before?.socket === socket) before.once('finish', () => offer(request, socket, head));
    else offer(request, socket, head);
  });
  return {
    destroyAll: () => {
      for (const socket of open) socket.destroy();
    },
  };
}

/** Some requests have a body as well, before what follows them: an exec's start, or what says again what the query says. */
function bodyBytes(request: IncomingMessage): number {
  const length = Number(request.headers['content-length'] ?? 0);
  return Number.isSafeInteger(length) && length > 0 ? length : 0;
}

/** Reads so many bytes; a client that ends before is not answered. */
function take(socket: Duplex, bytes: number, taken: readonly Buffer[], goOn: (body: Buffer) => void): void {
  if (bytes === 0) return goOn(Buffer.concat(taken));
  const chunk = socket.read() as Buffer | null;
  if (chunk === null) return void socket.once('readable', () => take(socket, bytes, taken, goOn));
  if (chunk.length > bytes) socket.unshift(chunk.subarray(bytes));
  const own = chunk.subarray(0, bytes);
  take(socket, bytes - own.length, [...taken, own], goOn);
}

export const wantsUpgrade = (request: FastifyRequest): boolean => offered.has(request.raw);

export const bodyOfUpgrade = (request: FastifyRequest): Buffer => offered.get(request.raw)?.body ?? Buffer.alloc(0);

/** Answers 101 and returns the connection, from now on raw in both directions. */
export function takeUpgrade(request: FastifyRequest, reply: FastifyReply, headers: Readonly<Record<string, string>>): Duplex {
  const offer = offered.get(request.raw);
  if (offer === undefined) throw new Error('this request did not ask for an upgrade');
  offered.delete(request.raw);
  reply.hijack();
  const { socket, response } = offer;
  response.detachSocket(socket as unknown as Parameters<ServerResponse['detachSocket']>[0]);
  const lines = ['HTTP/1.1 101 UPGRADED', 'Connection: Upgrade', ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  for (const [name, value] of Object.entries(reply.getHeaders())) lines.push(`${name}: ${String(value)}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  return socket;
}
