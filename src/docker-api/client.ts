import { request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import { describeEndpoint, type Endpoint } from './endpoint.ts';
import { ApiError, CannotReachError } from './errors.ts';
import { API_VERSION, type ErrorBody } from './types.ts';

/** PEM texts of client certificates. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface CallOptions {
  /** Undefined values are left out; true becomes 1, false 0, objects JSON; a list is said element by element. */
  readonly query?: Readonly<Record<string, string | number | boolean | object | readonly string[] | undefined>>;
  /** Sent as JSON; a stream is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer<T> {
  readonly value: T;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

/** A connection that has become that of a process in a container. */
export interface Hijacked {
  readonly output: Readable;
  /** undefined where the server took the old way, which has none. */
  readonly input: Writable | undefined;
}

/** A JSON answer longer than this is not read to its end. */
const MAX_JSON_BYTES = 256 * 1024 * 1024;
const MAX_ERROR_BYTES = 1024 * 1024;

type Send = (options: RequestOptions) => ClientRequest;

/**
 * A small client of the Docker Engine API and of /caravela/v1. One connection per call: a command
 * makes a handful of them, and an idle pool would only hold the process up.
 * Every method rejects with ApiError (the server said no) or CannotReachError (nobody answered).
 */
export class Client {
  readonly endpoint: Endpoint;
  readonly #tls: TlsFiles | undefined;
  #send: Send | undefined;

  constructor(endpoint: Endpoint, tls?: TlsFiles) {
    this.endpoint = endpoint;
    this.#tls = tls;
  }

  /** `undefined` as value where the answer has no body (204, 304, 201 without content). */
  async json<T>(method: string, path: string, options: CallOptions = {}): Promise<Answer<T>> {
    const response = await this.stream(method, path, options);
    const text = await readText(response, MAX_JSON_BYTES, this.#where());
    const status = response.statusCode ?? 0;
    if (text === '') return { value: undefined as T, status, headers: response.headers };
    try {
      return { value: JSON.parse(text) as T, status, headers: response.headers };
    } catch {
      throw new ApiError(status, `the answer to ${method} ${path} is not JSON: ${JSON.stringify(text.slice(0, 80))}`);
    }
  }

  /** The body as it comes. Whoever calls must read or destroy it. */
  async stream(method: string, path: string, options: CallOptions = {}): Promise<IncomingMessage> {
    const request = await this.#request(method, path, options, {});
    const response = await this.#response(request, options.body);
    if ((response.statusCode ?? 0) < 400) return response;
    const refusal = await this.#refusal(response);
    // It may have been said before all of the body was read.
    request.destroy();
    if (isStream(options.body)) options.body.destroy();
    throw refusal;
  }

  /**
   * Docker's hijacked connection (attach, exec): from the answer on, the bytes are the process's. The
   * server answers 101, or 200 to older ways of asking; both are read to the end of the connection. The caller reads or
   * destroys the output.
   */
  async hijack(path: string, options: CallOptions = {}): Promise<Hijacked> {
    const request = await this.#request('POST', path, options, { connection: 'Upgrade', upgrade: 'tcp' });
    const upgraded = new Promise<Hijacked>((resolve) => {
      request.once('upgrade', (_response, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        // Who broke off is told by the output's end.
        socket.on('error', () => undefined);
        resolve({ output: socket, input: socket });
      });
    });
    const answered = this.#response(request, options.body);
    const first = await Promise.race([upgraded, answered]);
    if ('input' in first) return first;
    if ((first.statusCode ?? 0) >= 400) throw await this.#refusal(first);
    return { output: first, input: undefined };
  }

  async #request(method: string, path: string, options: CallOptions, extra: Record<string, string>): Promise<ClientRequest> {
    this.#send ??= await this.#connector();
    const headers: Record<string, string> = { host: 'caravela', ...extra, ...options.headers };
    if (options.body !== undefined && !isStream(options.body)) headers['content-type'] = 'application/json';
    const request = this.#send({
      method,
      path: withQuery(path.startsWith('/caravela/') || path === '/_ping' ? path : `/v${API_VERSION}${path}`, options.query),
      headers,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    return request;
  }

  async #connector(): Promise<Send> {
    const endpoint = this.endpoint;
    if (endpoint.kind === 'unix') return (options) => httpRequest({ ...options, socketPath: endpoint.path, agent: false });
    const target = { host: endpoint.host, port: endpoint.port, agent: false as const };
    if (!endpoint.tls) return (options) => httpRequest({ ...options, ...target });
    const { request: httpsRequest } = await import('node:https');
    return (options) => httpsRequest({ ...options, ...target, ...this.#tls });
  }

  async #response(request: ClientRequest, body: unknown): Promise<IncomingMessage> {
    let unreadable: Error | undefined;
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.once('error', (error) => {
        reject(unreadable ?? (error.name === 'AbortError' ? error : new CannotReachError(this.#where(), error)));
      });
    });
    if (isStream(body)) {
      // A server may answer before it has read all (an error): the answer counts, not the broken pipe.
      body.once('error', (error) => {
        unreadable = error;
        request.destroy(error);
      });
      body.pipe(request);
    } else if (body === undefined) request.end();
    else request.end(JSON.stringify(body));
    return answered;
  }

  async #refusal(response: IncomingMessage): Promise<ApiError> {
    const status = response.statusCode ?? 0;
    const text = await readText(response, MAX_ERROR_BYTES, this.#where());
    try {
      const body = JSON.parse(text) as ErrorBody;
      if (typeof body.message === 'string') return new ApiError(status, body.message, body);
    } catch {
      // Not JSON: a proxy's page, or nothing at all. What it says is better than silence.
    }
    const said = text.trim().slice(0, 200);
    return new ApiError(status, said === '' ? `the API answered with status ${status} and no message` : said);
  }

  #where(): string {
    return describeEndpoint(this.endpoint);
  }
}

function isStream(body: unknown): body is Readable {
  return typeof body === 'object' && body !== null && 'pipe' in body;
}

function withQuery(path: string, query: CallOptions['query']): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue;
    if (Array.isArray(value)) for (const each of value as readonly string[]) search.append(key, each);
    else if (typeof value === 'boolean') search.set(key, value ? '1' : '0');
    else search.set(key, typeof value === 'object' ? JSON.stringify(value) : String(value));
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

async function readText(stream: IncomingMessage, limit: number, where: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) throw new ApiError(stream.statusCode ?? 0, `the answer is longer than ${limit} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ApiError || (error instanceof Error && error.name === 'AbortError')) throw error;
    throw new CannotReachError(where, error as NodeJS.ErrnoException);
  }
  return Buffer.concat(chunks).toString('utf8');
}
