import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { NodeId } from '../../core/model/index.ts';
import type { PeerResponse } from '../../transport/port.ts';
import { ApiError } from '../http/api-error.ts';
import { goneSignal } from '../http/pump.ts';
import { wantsUpgrade } from '../http/upgrade.ts';
import { versionPrefix } from '../http/version.ts';
import type { ApiContext } from '../context.ts';
import { API_LIMITS } from '../limits.ts';
import { SCOPE_HEADER } from './scope.ts';

/** What a client says that matters to the node that answers. */
const PASSED_ON = ['content-type', 'content-length', 'accept', 'x-registry-auth', 'x-registry-config'];
/** Of one connection only (RFC 9110 §7.6.1), or set anew by this server. */
const NOT_PASSED_BACK = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'trailer', 'date', 'server']);

/** Hands the request on to the node that can answer it, and its answer back, both streamed. */
export async function proxy(context: ApiContext, node: NodeId, path: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const gone = goneSignal(reply.raw);
  const response = await askPeer(context, node, path, request, gone.signal);
  reply.hijack();
  const raw = reply.raw;
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  raw.writeHead(response.status, passedBack(response.headers));
  raw.flushHeaders();
  // A viewer that left, or a peer that died in the middle: pipeline has ended both sides, all there is to do.
  await pipeline(response.body, raw).catch((error: unknown) =>
    context.backend.log('debug', 'a proxied answer was cut off', { path, error: String(error) }),
  );
}

/** As proxy, for a route that had to read the body to know whose it is. */
export async function proxyJson(
  context: ApiContext,
  node: NodeId,
  path: string,
  json: object,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const body = Buffer.from(JSON.stringify(json));
  request.headers['content-type'] = 'application/json';
  request.headers['content-length'] = String(body.length);
  request.body = Readable.from([body]);
  await proxy(context, node, path, request, reply);
  return reply;
}

/**
 * The peer's answer to a client's request.
 * @param upgraded what goes to the peer for the bytes that follow a request for an upgrade. @throws ApiError 503 where it can't be asked
 */
export async function askPeer(
  context: ApiContext,
  node: NodeId,
  path: string,
  request: FastifyRequest,
  signal: AbortSignal,
  upgraded?: Readable,
): Promise<PeerResponse> {
  const { backend } = context;
  const headers: Record<string, string> = { [SCOPE_HEADER]: 'node' };
  // What follows a request for an upgrade belongs to the raw connection, whatever length it names; and of one that is
  // answered in raw bytes all the same the body has been read.
  const hasBody = upgraded === undefined && !wantsUpgrade(request);
  for (const name of hasBody ? PASSED_ON : []) {
    const value = request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  // Without either the node takes it that there is no body: a client that sends one in pieces need not say what it is.
  if (hasBody && request.body instanceof Readable) headers['content-type'] ??= 'application/octet-stream';
  const seconds = Number((request.query as Record<string, unknown>)['t'] ?? 0);
  try {
    return await backend.request(node, {
      method: hasBody ? request.method : 'POST',
      path: `/api${versionPrefix(request.originalUrl)}${path}`,
      headers,
      body: hasBody ? (request.body as Readable | undefined) : upgraded,
      timeoutMs: API_LIMITS.proxyHeadersMs + (seconds > 0 ? seconds * 1000 : 0),
      signal,
    });
  } catch (error) {
    const name = backend.members().find((m) => m.id === node)?.name ?? node;
    throw new ApiError(503, `${path.split('?')[0]} is answered by node ${name}, which does not answer now: ${messageOf(error)}`);
  }
}

function passedBack(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(':') && !NOT_PASSED_BACK.has(name)) kept[name] = value;
  }
  return kept;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
