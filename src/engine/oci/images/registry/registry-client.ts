import type { IncomingMessage } from 'node:http';
import type { BlobSource, RegistryCredentials } from '../../../port.ts';
import { ImageError } from '../../../port.ts';
import { isDigest, sha256Digest } from '../digest.ts';
import { MEDIA_TYPES } from '../documents.ts';
import { familiarReference, type Reference } from '../reference.ts';
import { authorize, parseChallenge } from './authorization.ts';
import type { Endpoint } from './endpoint.ts';
import { type GetOptions, type HttpPatience, httpGet, PATIENCE, readBody } from './http-get.ts';

export interface RegistryClientOptions {
  readonly endpoint: Endpoint;
  readonly reference: Reference;
  readonly credentials: RegistryCredentials | undefined;
  readonly manifestBytes: number;
  readonly patience?: HttpPatience;
}

const MANIFEST_TYPES = [MEDIA_TYPES.ociIndex, MEDIA_TYPES.ociManifest, MEDIA_TYPES.dockerList, MEDIA_TYPES.dockerManifest].join(', ');
const MAX_ERROR_BYTES = 64 * 1024;

/** One repository of one registry, read-only (OCI distribution spec 1.1, "Pull"). */
export class RegistryClient implements BlobSource {
  readonly name: string;
  readonly #options: RegistryClientOptions;
  #authorization: string | undefined;

  constructor(options: RegistryClientOptions) {
    this.#options = options;
    this.name = `registry ${options.endpoint.domain}`;
  }

  /** The index or manifest that the reference names now, verified as far as it can be. @throws ImageError */
  async resolve(signal: AbortSignal): Promise<{ readonly digest: string; readonly content: Buffer }> {
    const { reference, manifestBytes } = this.#options;
    const response = await this.#get(`manifests/${reference.digest ?? reference.tag}`, MANIFEST_TYPES, signal);
    if (response.statusCode !== 200) throw await this.#refusal(response);
    const content = await readBody(response, manifestBytes, `the manifest of ${familiarReference(reference)}`);
    const digest = sha256Digest(content);
    const promised = reference.digest ?? headerOf(response, 'docker-content-digest');
    if (promised !== undefined && isDigest(promised) && promised !== digest) {
      throw new ImageError('corrupt', `${this.name} sent something else than ${promised}: ${digest}`);
    }
    return { digest, content };
  }

  /** Layers and configurations are blobs, indexes and manifests have a path of their own; a digest doesn't say which it is. */
  async open(
    digest: string,
    signal: AbortSignal,
  ): Promise<{ readonly sizeBytes: number | undefined; readonly stream: IncomingMessage } | undefined> {
    for (const [path, accept] of [
      [`blobs/${digest}`, '*/*'],
      [`manifests/${digest}`, MANIFEST_TYPES],
    ] as const) {
      const response = await this.#get(path, accept, signal);
      if (response.statusCode === 200) return { sizeBytes: lengthOf(response), stream: response };
      if (![400, 404, 405, 415].includes(response.statusCode ?? 0)) throw await this.#refusal(response);
      response.destroy();
    }
    return undefined;
  }

  async #get(path: string, accept: string, signal: AbortSignal): Promise<IncomingMessage> {
    const { endpoint, reference, credentials, patience = PATIENCE } = this.#options;
    const url = new URL(`/v2/${reference.path}/${path}`, endpoint.baseUrl);
    const options = (): GetOptions => ({
      headers: { accept, ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }) },
      signal,
      patience,
      peer: this.name,
    });
    const response = await httpGet(url, options());
    if (response.statusCode !== 401) return response;
    const challenge = parseChallenge(headerOf(response, 'www-authenticate') ?? '');
    response.destroy();
    // A token may have expired meanwhile; an answer to a fresh one is final.
    this.#authorization = await authorize(challenge, endpoint.baseUrl, `repository:${reference.path}:pull`, credentials, options());
    return httpGet(url, options());
  }

  /** In Docker's words, which people search for. */
  async #refusal(response: IncomingMessage): Promise<ImageError> {
    const name = familiarReference(this.#options.reference);
    const status = response.statusCode ?? 0;
    const said = registryWords(await readBody(response, MAX_ERROR_BYTES, 'the answer').catch(() => Buffer.alloc(0)));
    if (status === 404) return new ImageError('not-found', `manifest for ${name} not found: ${said ?? 'manifest unknown'}`);
    if (status === 401 || status === 403) {
      return new ImageError(
        'denied',
        `pull access denied for ${name}: the repository does not exist or may require login${said === undefined ? '' : ` (${said})`}`,
      );
    }
    const what = `${this.name} answered ${status} for ${name}${said === undefined ? '' : `: ${said}`}`;
    return status === 429 || status >= 500 ? new ImageError('unreachable', `${what}; try again later`) : new ImageError('failed', what);
  }
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

function lengthOf(response: IncomingMessage): number | undefined {
  const length = headerOf(response, 'content-length');
  return length !== undefined && /^[0-9]{1,15}$/.test(length) ? Number(length) : undefined;
}

function headerOf(response: IncomingMessage, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
