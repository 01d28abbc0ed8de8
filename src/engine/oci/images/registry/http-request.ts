import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '../../../../linux/system-error.ts';
import { ImageError } from '../../../port.ts';
import { type Connections, DOCKER_CERTIFICATES_DIR } from './connections.ts';

/** How long a registry is waited for, and how often it is asked. */
export interface HttpPatience {
  /** For a connection, and for the head of the first answer: Docker waits as long. */
  readonly greetingMs: number;
  /** Without a byte, be it of a later answer's head or of a body. */
  readonly idleMs: number;
  readonly attempts: number;
  /** Before the second attempt; doubles with each further one. */
  readonly backoffMs: number;
  /** The longest wait that a Retry-After is granted; who asks for more is not asked again. */
  readonly retryAfterMs: number;
  /** For the whole head of an answer, and for a document: so slow a sender is none. */
  readonly answerMs: number;
}

export const PATIENCE: HttpPatience = {
  greetingMs: 15_000,
  idleMs: 30_000,
  attempts: 4,
  backoffMs: 250,
  retryAfterMs: 60_000,
  answerMs: 120_000,
};

export interface RequestOptions {
  /** GET where it is absent. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  readonly headers: Readonly<Record<string, string>>;
  /** Made anew for each attempt; the headers tell its length. */
  readonly body?: () => Promise<Readable> | Buffer;
  readonly signal: AbortSignal;
  readonly patience: HttpPatience;
  /** Names the other side in errors: `registry 10.0.0.1:5000`. */
  readonly peer: string;
  /** Nothing has come from the other side yet: it may not be there at all. */
  readonly isFirst?: boolean;
  /** Absent: this host's own trust, no client certificate. */
  readonly connections?: Connections;
}

const SHORT_BYTES = 4096;
const SHORT_MS = 1_000;
const MAX_REDIRECTS = 5;
/** Not what the resolver says: it has been patient itself, for ten seconds and more. */
const BROKEN = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT'];
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * A request with patience: a broken connection, 429 and 5xx are tried again, not before a Retry-After
 * (RFC 9110 §10.2.3) that is within reason; who says nothing is not. A GET's redirects are followed; the Authorization header
 * goes to the same host only: it is meant for the registry, not for the storage it points to.
 * @throws ImageError unreachable
 */
export async function request(url: URL, options: RequestOptions): Promise<http.IncomingMessage> {
  const { patience, signal, peer } = options;
  for (let attempt = 1; ; attempt++) {
    const last = attempt === patience.attempts;
    let waitMs = patience.backoffMs * 2 ** (attempt - 1);
    try {
      const response = await follow(url, options);
      const status = response.statusCode ?? 0;
      if (last || (status < 500 && status !== 429)) return response;
      const askedMs = retryAfterMs(response.headers['retry-after'], Date.now());
      if (askedMs > patience.retryAfterMs) return response;
      waitMs = Math.max(waitMs, askedMs);
      discard(response);
    } catch (error) {
      signal.throwIfAborted();
      if (last || !hasCode(error, ...BROKEN)) throw unreachable(error, url, peer);
    }
    await sleep(waitMs, undefined, { signal });
  }
}

/** Seconds or a date; 0 where the header is absent or neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0;
  if (/^[0-9]{1,9}$/.test(header)) return Number(header) * 1000;
  const at = /^[A-Z][a-z]{2}, /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? 0 : Math.max(0, at - nowMs);
}

/** The body, at most `maxBytes` of it. @throws ImageError */
export async function readBody(
  response: http.IncomingMessage,
  maxBytes: number,
  what: string,
  answerMs = PATIENCE.answerMs,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const slow = setTimeout(() => response.destroy(new Error(`it takes longer than ${answerMs / 1000} s`)), answerMs);
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) throw new ImageError('corrupt', `${what} has more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError('unreachable', `${what} broke off after ${length} bytes: ${String(error)}`);
  } finally {
    clearTimeout(slow);
    response.destroy();
  }
  return Buffer.concat(chunks);
}

/** Done with an answer whose body nobody reads (a HEAD's has none). What is short is let come: then its connection serves again. */
export function discard(response: http.IncomingMessage, hasBody = true): void {
  const isShort = !hasBody || Number(response.headers['content-length'] ?? Number.NaN) <= SHORT_BYTES;
  if (!isShort) {
    response.destroy();
    return;
  }
  const slow = setTimeout(() => response.destroy(), SHORT_MS);
  response.once('close', () => clearTimeout(slow));
  response.on('error', () => undefined).resume();
}

async function follow(first: URL, options: RequestOptions): Promise<http.IncomingMessage> {
  let url = first;
  let headers = options.headers;
  const isRead = options.method === undefined || options.method === 'GET' || options.method === 'HEAD';
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await requestOnce(url, headers, options);
    const { location } = response.headers;
    // A client that repeats an upload elsewhere unasked has lost track of where its blob is.
    if (!isRead || !REDIRECTS.includes(response.statusCode ?? 0) || location === undefined) return response;
    discard(response);
    const target = redirectTarget(location, url, options.peer);
    if (target.origin !== url.origin) headers = withoutAuthorization(headers);
    url = target;
  }
  throw new ImageError('failed', `${options.peer} redirected more than ${MAX_REDIRECTS} times`);
}

function redirectTarget(location: string, from: URL, peer: string): URL {
  const target = URL.parse(location, from.href);
  if (target?.protocol === 'https:' || target?.protocol === 'http:') return target;
  throw new ImageError('failed', `${peer} redirected to ${JSON.stringify(location)}, which is no HTTP address`);
}

async function requestOnce(url: URL, headers: Readonly<Record<string, string>>, options: RequestOptions): Promise<http.IncomingMessage> {
  const { method = 'GET', body, signal, patience, peer, isFirst, connections } = options;
  const content = await body?.();
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const agent = connections?.agentFor(url);
  const init = { method, headers, signal, timeout: patience.idleMs, ...(agent && { agent }) };
  const sent = url.protocol === 'https:' ? https.request(url, init, resolve) : http.request(url, init, resolve);
  let isConnected = false;
  let isAnswered = false;
  const timedOut = (ms: number) => (): void => {
    const why = isConnected ? `no answer for ${ms / 1000} s` : `no connection within ${ms / 1000} s`;
    sent.destroy(isAnswered ? Object.assign(new Error(why), { code: 'ETIMEDOUT' }) : silence(why, url, peer));
  };
  const greeting = setTimeout(timedOut(patience.greetingMs), patience.greetingMs);
  const connected = (): void => {
    isConnected = true;
    if (isFirst !== true) clearTimeout(greeting);
  };
  sent.once('socket', (socket) => {
    if (sent.reusedSocket) connected();
    else socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
  });
  // Also while the body comes: the response then ends with this error.
  sent.on('timeout', timedOut(patience.idleMs));
  // A head that comes byte by byte never is idle. What is sent may take its time.
  let late: NodeJS.Timeout | undefined;
  const awaitHead = (): void => {
    late = setTimeout(timedOut(patience.answerMs), patience.answerMs);
  };
  sent.on('error', reject);
  if (content === undefined || Buffer.isBuffer(content)) {
    awaitHead();
    sent.end(content);
  } else {
    sent.once('finish', awaitHead);
    content.on('error', (error) => sent.destroy(error));
    sent.once('close', () => content.destroy());
    content.pipe(sent);
  }
  try {
    const response = await promise;
    isAnswered = true;
    return response;
  } finally {
    clearTimeout(greeting);
    clearTimeout(late);
    sent.off('finish', awaitHead);
  }
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
}

/** Node adds how to start Node otherwise, which is no help to who asks for an image. */
function withoutNode(message: string): string {
  return message.replace(/; if the root CA is installed locally.*$/s, '');
}

/** Asking again would take as long again, and who waits hears nothing meanwhile. */
function silence(why: string, { host }: URL, peer: string): ImageError {
  const advice = `is a registry running at ${host}, and does no firewall on the way swallow what is sent?`;
  return new ImageError('unreachable', `${peer} can't be reached: ${why}; ${advice}`);
}

function unreachable(error: unknown, url: URL, peer: string): ImageError {
  if (error instanceof ImageError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const words = (why: string): ImageError => new ImageError('unreachable', `${peer} can't be reached: ${why}`);
  if (hasCode(error, 'ECONNREFUSED')) return words(`connection refused by ${url.host}; is a registry running there?`);
  if (hasCode(error, 'ENOTFOUND', 'EAI_AGAIN'))
    return words(`no such host: ${url.hostname}; is the name right, and does DNS work on this node?`);
  if (hasCode(error, 'EHOSTUNREACH', 'ENETUNREACH')) return words(`no route to ${url.hostname}`);
  if (hasCode(error, 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO')) {
    return words(
      `server gave HTTP response to HTTPS client; if it is meant to be used without TLS, add "${url.host}" to insecure_registries in the node's configuration`,
    );
  }
  if (/certificate/i.test(message))
    return words(
      `its TLS certificate is not accepted (${withoutNode(message)}); put its authority's certificate in ${DOCKER_CERTIFICATES_DIR}/${url.host}/ca.crt on this node, use a certificate this host trusts, or add "${url.host}" to insecure_registries to speak plain HTTP`,
    );
  return words(message);
}
