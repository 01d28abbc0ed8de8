import type { IncomingMessage } from 'node:http';
import type { BlobSource } from '../../../port.ts';
import { ImageError } from '../../../port.ts';
import { isDigest, sha256Digest } from '../digest.ts';
import { isManifestType, MEDIA_TYPES, parseDocument } from '../documents.ts';
import { familiarReference, type Reference } from '../reference.ts';
import { headerOf, type RegistrySession } from './registry-session.ts';
import { discard, readBody } from './http-request.ts';

export interface ResolvedManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly content: Buffer;
}

const MANIFEST_TYPES = [MEDIA_TYPES.ociIndex, MEDIA_TYPES.ociManifest, MEDIA_TYPES.dockerList, MEDIA_TYPES.dockerManifest].join(', ');

/** One repository of one registry, read-only (OCI distribution spec 1.1, "Pull"). */
export class RegistryClient implements BlobSource {
  readonly name: string;
  readonly #session: RegistrySession;
  readonly #reference: Reference;
  readonly #manifestBytes: number;

  constructor(session: RegistrySession, reference: Reference, manifestBytes: number) {
    this.name = session.name;
    this.#session = session;
    this.#reference = reference;
    this.#manifestBytes = manifestBytes;
  }

  /** The index or manifest that the reference names now, verified as far as it can be. @throws ImageError */
  async resolve(signal: AbortSignal): Promise<ResolvedManifest> {
    const reference = this.#reference;
    const response = await this.#get(`manifests/${reference.digest ?? reference.tag}`, { accept: MANIFEST_TYPES }, signal);
    if (response.statusCode !== 200) throw await this.#session.refusal(response, familiarReference(reference), 'pull');
    const what = `the manifest of ${familiarReference(reference)}`;
    const content = await readBody(response, this.#manifestBytes, what, this.#session.patience.answerMs);
    const digest = sha256Digest(content);
    const promised = reference.digest ?? headerOf(response, 'docker-content-digest');
    if (promised !== undefined && isDigest(promised) && promised !== digest) {
      throw new ImageError('corrupt', `${this.name} sent something else than ${promised}: ${digest}`);
    }
    return { digest, content, mediaType: this.#typeOf(response, content) };
  }

  /** Layers and configurations are blobs, indexes and manifests have a path of their own; a digest doesn't say which it is. */
  async open(
    digest: string,
    signal: AbortSignal,
    fromByte = 0,
  ): Promise<{ readonly sizeBytes: number | undefined; readonly stream: IncomingMessage; readonly startsAt: number } | undefined> {
    for (const [path, accept] of [
      [`blobs/${digest}`, '*/*'],
      [`manifests/${digest}`, MANIFEST_TYPES],
    ] as const) {
      const response = await this.#get(path, { accept, ...(fromByte > 0 && { range: `bytes=${fromByte}-` }) }, signal);
      if (response.statusCode === 200) return { sizeBytes: lengthOf(response), stream: response, startsAt: 0 };
      const part = response.statusCode === 206 ? rangeOf(response) : undefined;
      if (part !== undefined) return { ...part, stream: response };
      // It can't go on from there: from the beginning then (RFC 9110 §14.2).
      if (fromByte > 0 && [206, 416].includes(response.statusCode ?? 0)) {
        discard(response);
        return this.open(digest, signal);
      }
      if (![400, 404, 405, 415].includes(response.statusCode ?? 0))
        throw await this.#session.refusal(response, familiarReference(this.#reference), 'pull');
      discard(response);
    }
    return undefined;
  }

  #get(path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
    const { path: repository } = this.#reference;
    return this.#session.request(`/v2/${repository}/${path}`, { headers, scopes: [`repository:${repository}:pull`], signal });
  }

  /** What the header says where it is a type of ours and fits; a registry's slip in it does no harm. @throws ImageError where it says it is something else */
  #typeOf(response: IncomingMessage, content: Buffer): string {
    const what = `the manifest of ${familiarReference(this.#reference)}`;
    const stated = (headerOf(response, 'content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
    const { kind, mediaType } = parseDocument(content, what);
    const actual = isManifestType(mediaType, kind) ? mediaType : kind === 'index' ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.ociManifest;
    if (!Object.values<string>(MEDIA_TYPES).includes(stated)) return actual;
    if (!isManifestType(stated, kind))
      throw new ImageError(
        'corrupt',
        `${what} can't be used: ${this.name} calls it ${stated}, but it is an ${kind === 'index' ? 'index' : 'image manifest'}`,
      );
    return stated;
  }
}

function lengthOf(response: IncomingMessage): number | undefined {
  const length = headerOf(response, 'content-length');
  return length !== undefined && /^[0-9]{1,15}$/.test(length) ? Number(length) : undefined;
}

/** `bytes 100-199/200` (RFC 9110 §14.4). */
function rangeOf(response: IncomingMessage): { readonly startsAt: number; readonly sizeBytes: number | undefined } | undefined {
  const [, first, size] = /^bytes ([0-9]{1,15})-[0-9]{1,15}\/([0-9]{1,15}|\*)$/.exec(headerOf(response, 'content-range') ?? '') ?? [];
  return first === undefined ? undefined : { startsAt: Number(first), sizeBytes: size === '*' ? undefined : Number(size) };
}
