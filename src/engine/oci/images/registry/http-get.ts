import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '../../../../linux/system-error.ts';
import { ImageError } from '../../../port.ts';

/** How long a registry is waited for, and how often it is asked. */
export interface HttpPatience {
  /** Without a byte, be it of the connection, the answer's head or its body. */
  readonly idleMs: number;
  readonly attempts: number;
  /** Before the second attempt; doubles with each further one. */
  readonly backoffMs: number;
}

export const PATIENCE: HttpPatience = { idleMs: 30_000, attempts: 4, backoffMs: 250 };

export interface GetOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly patience: HttpPatience;
  /** Names the other side in errors: `registry 10.0.0.1:5000`. */
  readonly peer: string;
}

const MAX_REDIRECTS = 5;
/** Not what the resolver says: it has been patient itself, for ten seconds and more. */
const BROKEN = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT'];

/**
 * GET with patience: a broken connection, 429 and 5xx are tried again. Redirects are followed without
 * the Authorization header, which is meant for the registry, not for the storage it points to.
 * @throws ImageError unreachable
 */
export async function httpGet(url: URL, options: GetOptions): Promise<http.IncomingMessage> {
  const { patience, signal, peer } = options;
  for (let attempt = 1; ; attempt++) {
    const last = attempt === patience.attempts;
    try {
      const response = await follow(url, options);
      const status = response.statusCode ?? 0;
      if (last || (status < 500 && status !== 429)) return response;
      response.destroy();
    } catch (error) {
      signal.throwIfAborted();
      if (last || !hasCode(error, ...BROKEN)) throw unreachable(error, url, peer);
    }
    await sleep(patience.backoffMs * 2 ** (attempt - 1), undefined, { signal });
  }
}

/** The body, at most `maxBytes` of it. @throws ImageError */
export async function readBody(response: http.IncomingMessage, maxBytes: number, what: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
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
    response.destroy();
  }
  return Buffer.concat(chunks);
}

async function follow(first: URL, options: GetOptions): Promise<http.IncomingMessage> {
  let url = first;
  let headers = options.headers;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await getOnce(url, headers, options);
    const { location } = response.headers;
    if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || location === undefined) return response;
    response.destroy();
    url = redirectTarget(location, url, options.peer);
    headers = withoutAuthorization(headers);
  }
  throw new ImageError('failed', `${options.peer} redirected more than ${MAX_REDIRECTS} times`);
}

function redirectTarget(location: string, from: URL, peer: string): URL {
  const target = URL.parse(location, from.href);
  if (target?.protocol === 'https:' || target?.protocol === 'http:') return target;
  throw new ImageError('failed', `${peer} redirected to ${JSON.stringify(location)}, which is no HTTP address`);
}

function getOnce(url: URL, headers: Readonly<Record<string, string>>, { signal, patience }: GetOptions): Promise<http.IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const init = { headers, signal, timeout: patience.idleMs };
  const request = url.protocol === 'https:' ? https.get(url, init, resolve) : http.get(url, init, resolve);
  request.on('error', reject);
  // Also while the body comes: the response then ends with this error.
  request.on('timeout', () =>
    request.destroy(Object.assign(new Error(`no answer for ${patience.idleMs / 1000} s`), { code: 'ETIMEDOUT' })),
  );
  return promise;
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
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
      `its TLS certificate is not accepted (${message}); use a certificate this host trusts, or add "${url.host}" to insecure_registries to speak plain HTTP`,
    );
  return words(message);
}
