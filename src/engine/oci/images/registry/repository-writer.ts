import type { IncomingMessage } from 'node:http';
import { Readable, Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ImageError } from '../../../port.ts';
import { familiarReference, type Reference } from '../reference.ts';
import { discard } from './http-request.ts';
import { headerOf, type RegistrySession, type SessionRequest } from './registry-session.ts';

export interface UploadBlob {
  readonly digest: string;
  readonly sizeBytes: number;
  /** The content from this byte on. @throws ImageError */
  open(fromByte: number): Promise<Readable>;
}

/** How often one blob is begun or gone on with, when the connection breaks or the registry stumbles. */
const UPLOAD_ATTEMPTS = 4;
const OCTETS = 'application/octet-stream';

/**
 * One repository of one registry, to write (OCI distribution spec 1.1, "Push"). A blob goes in one
 * PATCH and is sealed by a PUT with its digest; one that broke off goes on where the registry says it is.
 */
export class RepositoryWriter {
  readonly name: string;
  readonly #session: RegistrySession;
  readonly #reference: Reference;
  readonly #scope: string;

  constructor(session: RegistrySession, reference: Reference) {
    this.name = session.name;
    this.#session = session;
    this.#reference = reference;
    this.#scope = `repository:${reference.path}:pull,push`;
  }

  /** @throws ImageError */
  async has(digest: string, signal: AbortSignal): Promise<boolean> {
    const response = await this.#ask('HEAD', `blobs/${digest}`, signal);
    discard(response, false);
    if (response.statusCode === 200) return true;
    if (response.statusCode === 404) return false;
    throw await this.#refusal(response);
  }

  /** Has the registry take the blob from another of its repositories. False: it will not, and nothing has changed. @throws ImageError */
  async mount(digest: string, from: string, signal: AbortSignal): Promise<boolean> {
    const query = new URLSearchParams({ mount: digest, from });
    try {
      const response = await this.#ask('POST', `blobs/uploads/?${query.toString()}`, signal, {
        headers: { 'content-length': '0' },
        scopes: [this.#scope, `repository:${from}:pull`],
      });
      discard(response);
      // 202: it began an upload instead, which it forgets again by itself.
      return response.statusCode === 201;
    } catch (error) {
      if (error instanceof ImageError && error.code === 'denied') return false;
      throw error;
    }
  }

  /** @throws ImageError */
  async upload(blob: UploadBlob, signal: AbortSignal, onBytes: (sentBytes: number) => void): Promise<void> {
    let at: Upload | undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        at ??= await this.#begin(signal);
        if (at.offset < blob.sizeBytes) at = await this.#send(blob, at, signal, onBytes);
        return await this.#seal(blob, at, signal);
      } catch (error) {
        signal.throwIfAborted();
        const isPassing = error instanceof ImageError && (error.code === 'unreachable' || error.code === 'failed');
        if (!isPassing || attempt === UPLOAD_ATTEMPTS) throw error;
        await sleep(this.#session.patience.backoffMs * 2 ** (attempt - 1), undefined, { signal });
        at = at && (await this.#stateOf(at, blob, signal));
      }
    }
  }

  /** @param name a tag or the digest itself @throws ImageError */
  async putManifest(name: string, mediaType: string, content: Buffer, signal: AbortSignal): Promise<void> {
    const headers = { 'content-type': mediaType, 'content-length': String(content.length) };
    const response = await this.#ask('PUT', `manifests/${name}`, signal, { headers, body: () => content });
    if (response.statusCode !== 201 && response.statusCode !== 202) throw await this.#refusal(response);
    discard(response);
  }

  async #begin(signal: AbortSignal): Promise<Upload> {
    const response = await this.#ask('POST', 'blobs/uploads/', signal, { headers: { 'content-length': '0' } });
    if (response.statusCode !== 202) throw await this.#refusal(response);
    discard(response);
    return { location: this.#locationOf(response), offset: 0 };
  }

  async #send(blob: UploadBlob, { location, offset }: Upload, signal: AbortSignal, onBytes: (sentBytes: number) => void): Promise<Upload> {
    const left = blob.sizeBytes - offset;
    const headers = {
      'content-type': OCTETS,
      'content-length': String(left),
      ...(offset > 0 && { 'content-range': `${offset}-${blob.sizeBytes - 1}` }),
    };
    const body = async (): Promise<Readable> => {
      const content = await blob.open(offset);
      let sent = offset;
      const counted = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          sent += chunk.length;
          onBytes(sent);
          done(null, chunk);
        },
      });
      content.on('error', (error) => counted.destroy(error));
      counted.on('close', () => content.destroy());
      return content.pipe(counted);
    };
    const response = await this.#session.request(location, { method: 'PATCH', headers, body, scopes: [this.#scope], signal, once: true });
    if (response.statusCode !== 202 && response.statusCode !== 201 && response.statusCode !== 204) throw await this.#refusal(response);
    discard(response);
    return { location: this.#locationOf(response, location), offset: blob.sizeBytes };
  }

  async #seal(blob: UploadBlob, { location }: Upload, signal: AbortSignal): Promise<void> {
    const url = new URL(location);
    url.searchParams.set('digest', blob.digest);
    const headers = { 'content-type': OCTETS, 'content-length': '0' };
    const response = await this.#session.request(url.href, { method: 'PUT', headers, scopes: [this.#scope], signal });
    if (response.statusCode !== 201 && response.statusCode !== 204) throw await this.#refusal(response);
    discard(response);
  }

  /** Where the registry is with an upload; undefined: it begins anew. */
  async #stateOf({ location }: Upload, blob: UploadBlob, signal: AbortSignal): Promise<Upload | undefined> {
    try {
      const response = await this.#session.request(location, { method: 'GET', scopes: [this.#scope], signal });
      discard(response);
      const [, last] = /^(?:bytes=)?0-([0-9]{1,15})$/.exec(headerOf(response, 'range') ?? '') ?? [];
      if (response.statusCode !== 204 || last === undefined) return undefined;
      // `0-0` is one byte or none: the registries don't agree. None is always right to assume of an upload sealed by its digest.
      const offset = last === '0' ? undefined : Number(last) + 1;
      if (offset === undefined || offset > blob.sizeBytes) return undefined;
      return { location: this.#locationOf(response, location), offset };
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  #ask(
    method: NonNullable<SessionRequest['method']>,
    path: string,
    signal: AbortSignal,
    more: Partial<SessionRequest> = {},
  ): Promise<IncomingMessage> {
    return this.#session.request(`/v2/${this.#reference.path}/${path}`, { scopes: [this.#scope], ...more, method, signal });
  }

  /** Relative or absolute; the spec allows both. */
  #locationOf(response: IncomingMessage, otherwise?: string): string {
    const location = headerOf(response, 'location') ?? otherwise;
    const url = location === undefined ? null : URL.parse(location, this.#session.endpoint.baseUrl.href);
    if (url === null || !['http:', 'https:'].includes(url.protocol))
      throw new ImageError('failed', `${this.name} gave ${JSON.stringify(location)} as the place for an upload, which is no HTTP address`);
    return url.href;
  }

  #refusal(response: IncomingMessage): Promise<ImageError> {
    return this.#session.refusal(response, familiarReference(this.#reference), 'push');
  }
}

interface Upload {
  readonly location: string;
  readonly offset: number;
}
