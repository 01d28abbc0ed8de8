import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { ImageError, type RegistryCredentials } from '../../../port.ts';
import { type Authorization, authorize, type Challenge, parseChallenge } from './authorization.ts';
import type { Connections } from './connections.ts';
import type { Endpoint } from './endpoint.ts';
import { discard, type HttpPatience, PATIENCE, readBody, request, type RequestOptions } from './http-request.ts';

export interface SessionOptions {
  readonly endpoint: Endpoint;
  readonly credentials: RegistryCredentials | undefined;
  readonly connections?: Connections | undefined;
  readonly patience?: HttpPatience | undefined;
}

export interface SessionRequest {
  readonly method?: RequestOptions['method'];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: () => Promise<Readable> | Buffer;
  /** What it needs to be allowed: `repository:NAME:pull` and the like. */
  readonly scopes: readonly string[];
  readonly signal: AbortSignal;
  /** Not tried again here: what was sent may have arrived in part. */
  readonly once?: boolean;
}

const MAX_ERROR_BYTES = 64 * 1024;
/** A token is renewed when this share of its life is over: what it is sent with takes time too. */
const WORN = 0.9;

/** One user's conversation with one registry: asks for access when the registry wants that, once per scope. */
export class RegistrySession {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly #options: SessionOptions;
  /** By scopes. */
  readonly #tokens = new Map<string, Token>();
  /** The last one: with it a worn token is renewed before it is refused. */
  #challenge: Challenge | undefined;
  #hasAnswered = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.endpoint = options.endpoint;
    this.name = `registry ${options.endpoint.domain}`;
  }

  /** @param path below the registry, or a whole address that it gave (an upload's) @throws ImageError denied, unreachable, failed */
  async request(path: string, wanted: SessionRequest): Promise<IncomingMessage> {
    const url = new URL(path, this.endpoint.baseUrl);
    const { signal, scopes } = wanted;
    const isRegistry = url.origin === this.endpoint.baseUrl.origin;
    const options = async (): Promise<RequestOptions> => {
      const authorization = isRegistry ? await this.#known(scopes, signal) : undefined;
      return {
        ...this.#base(signal, wanted.once),
        isFirst: !this.#hasAnswered,
        headers: { ...wanted.headers, ...(authorization === undefined ? {} : { authorization }) },
        ...(wanted.method && { method: wanted.method }),
        ...(wanted.body && { body: wanted.body }),
      };
    };
    const first = await options();
    const key = scopes.join(' ');
    const used = this.#tokens.get(key);
    const response = await request(url, first);
    this.#hasAnswered = true;
    if (response.statusCode !== 401 || !isRegistry) return response;
    this.#challenge = parseChallenge(headerOf(response, 'www-authenticate') ?? '');
    discard(response);
    // It may have expired, or another request have a fresh one meanwhile. An answer to a fresh one is final.
    if (used !== undefined && this.#tokens.get(key) === used) this.#tokens.delete(key);
    await this.#authorized(scopes, signal);
    return request(url, await options());
  }

  /** What the registry said in an answer of refusal, in Docker's words, which people search for. @param doing `pull`, `push` */
  async refusal(response: IncomingMessage, name: string, doing: 'pull' | 'push'): Promise<ImageError> {
    const status = response.statusCode ?? 0;
    const body = await readBody(response, MAX_ERROR_BYTES, 'the answer', this.patience.answerMs).catch(() => Buffer.alloc(0));
    const said = registryWords(body);
    if (status === 404) return new ImageError('not-found', `manifest for ${name} not found: ${said ?? 'manifest unknown'}`);
    if (status === 401 || status === 403) {
      const why = doing === 'push' ? ': ' : ', repository does not exist or may require login: ';
      return new ImageError('denied', `${doing} access denied for ${name}${why}${said ?? 'requested access to the resource is denied'}`);
    }
    const what = `${this.name} answered ${status} for ${name}${said === undefined ? '' : `: ${said}`}`;
    return status === 429 || status >= 500 ? new ImageError('unreachable', `${what}; try again later`) : new ImageError('failed', what);
  }

  async #known(scopes: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    const known = this.#tokens.get(scopes.join(' '));
    if (known === undefined) return this.#challenge && (await this.#authorized(scopes, signal));
    if (known.wornAtMs > performance.now()) return (await known.authorization).header;
    this.#tokens.delete(scopes.join(' '));
    return this.#authorized(scopes, signal);
  }

  /** Layers that come in parallel share one question for access. */
  async #authorized(scopes: readonly string[], signal: AbortSignal): Promise<string> {
    const key = scopes.join(' ');
    const running = this.#tokens.get(key);
    if (running !== undefined) return (await running.authorization).header;
    const authorization = authorize({
      challenge: this.#challenge,
      registry: this.endpoint.baseUrl,
      scopes,
      credentials: this.#options.credentials,
      request: { ...this.#base(signal), isFirst: true },
    });
    const token: Token = { authorization, wornAtMs: Number.POSITIVE_INFINITY };
    this.#tokens.set(key, token);
    try {
      const { header, lifetimeMs } = await authorization;
      if (lifetimeMs !== undefined) token.wornAtMs = performance.now() + lifetimeMs * WORN;
      return header;
    } catch (error) {
      if (this.#tokens.get(key) === token) this.#tokens.delete(key);
      throw error;
    }
  }

  get patience(): HttpPatience {
    return this.#options.patience ?? PATIENCE;
  }

  #base(signal: AbortSignal, once = false): RequestOptions {
    const { connections } = this.#options;
    const patience = once ? { ...this.patience, attempts: 1 } : this.patience;
    return { headers: {}, signal, patience, peer: this.name, ...(connections && { connections }) };
  }
}

interface Token {
  readonly authorization: Promise<Authorization>;
  wornAtMs: number;
}

export function headerOf(response: IncomingMessage, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** `manifest unknown: …` from the error document of the spec; undefined where the body is none. */
function registryWords(body: Buffer): string | undefined {
  try {
    const document = JSON.parse(body.toString()) as { errors?: { code?: unknown; message?: unknown }[] };
    const { code, message } = document.errors?.[0] ?? {};
    const words = typeof message === 'string' && message !== '' ? message : code;
    return typeof words === 'string' ? words.slice(0, 200) : undefined;
  } catch {
    return undefined;
  }
}
