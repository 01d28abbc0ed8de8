import type { Http2ServerResponse } from 'node:http2';
import { text } from 'node:stream/consumers';
import { Object as ObjectOf, Optional, String as StringOf } from 'typebox';
import { Check } from 'typebox/schema';
import type { ImageExchange } from '../api/image-exchange.ts';
import type { Command, ContainerId, Member, NodeId, Request } from '../core/model/index.ts';
import {
  type BlobSource,
  type ContainerSpec,
  type ImageDetails,
  ImageError,
  type ImageRef,
  type ImageStore,
  type PullOptions,
  type RegistryCredentials,
} from '../engine/port.ts';
import type { PeerRequest, PeerResponse } from '../transport/port.ts';
import type { BlobServerParts } from './blob-server.ts';
import { ImageCredentials } from './image-credentials.ts';
import { imageSources, type ImageSourcesParts } from './image-sources.ts';
import { ImageArrivals, ImageErrands } from './image-errands.ts';

/** Path prefix of what nodes ask each other about images, besides the blobs themselves. */
export const EXCHANGE_PATH = '/exchange/';

const ASK_TIMEOUT_MS = 2_000;
const ANSWER_BYTES = 64 * 1024;
const ERRAND = /^errands\/(sha256:[0-9a-f]{64})(?:\?not=([0-9a-f]{32}))?$/;
const CREDENTIALS = /^credentials\/([0-9a-f]{64})$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
/** Of an image that has no name. */
const NO_REGISTRY: BlobSource = { name: 'no registry', open: async () => undefined };
const CREDENTIALS_ANSWER = ObjectOf({ username: StringOf(), password: StringOf(), identityToken: Optional(StringOf()) });

export interface ImageExchangeParts {
  readonly images: ImageStore;
  self(): NodeId;
  members(): readonly Member[];
  request(peer: NodeId, request: PeerRequest): Promise<PeerResponse>;
  nowMs(): number;
}

/**
 * Images between nodes (DESIGN §7): who pulls, or is given a container, has each blob from a peer that holds it, else
 * from the one peer that gets it, else from the registry, with the credentials of whoever pulled at the node that was
 * asked for the container. Those travel over mutual TLS, to the one node that needs them, when it needs them.
 */
export class NodeImageExchange implements ImageExchange {
  /** For the peers' requests under BLOBS_PATH. */
  readonly blobs: BlobServerParts;
  readonly #parts: ImageExchangeParts;
  readonly #credentials: ImageCredentials;
  readonly #sources: ImageSourcesParts;

  constructor(parts: ImageExchangeParts) {
    const nowMs = () => parts.nowMs();
    const arrivals = new ImageArrivals(nowMs);
    this.#parts = parts;
    this.#credentials = new ImageCredentials(nowMs);
    this.blobs = { images: parts.images, isComing: (digest) => arrivals.isUnderWay(digest) };
    this.#sources = {
      self: parts.self(),
      others: () => this.#others(),
      request: (peer, request) => parts.request(peer, request),
      errands: new ImageErrands((node) => node === parts.self() || this.#others().includes(node), nowMs),
      arrivals,
      askErrand: (arbiter, digest, not, signal) => this.#askErrand(arbiter, digest, not, signal),
    };
  }

  /** What is made for other nodes than this one is had for them, unless it was said for whom. */
  async pull(reference: string, options: Omit<PullOptions, 'sources'>): Promise<ImageDetails> {
    const choices = options.platform === undefined ? this.#otherArchitectures() : [];
    let { platform } = options;
    let refusal: ImageError | undefined;
    for (;;) {
      try {
        return await this.#pull(reference, { ...options, ...(platform && { platform }) });
      } catch (error) {
        if (!(error instanceof ImageError) || error.code !== 'no-platform') throw error;
        // What is said of this node's own says most.
        refusal ??= error;
        const architecture = choices.shift();
        if (architecture === undefined) throw refusal;
        platform = { os: 'linux', architecture, variant: '' };
      }
    }
  }

  async #pull(reference: string, options: Omit<PullOptions, 'sources'>): Promise<ImageDetails> {
    const { images } = this.#parts;
    const sources = imageSources(this.#sources, images.registrySource(reference, options.credentials), undefined);
    const image = await images.pull(reference, { ...options, sources });
    this.#credentials.keep(reference, options.credentials);
    return image;
  }

  async bring(image: ImageRef, signal: AbortSignal): Promise<void> {
    const registry = this.#registry(image.reference, this.#credentials.of(image.reference));
    await this.#parts.images.fetch(image, imageSources(this.#sources, registry, undefined), signal);
  }

  /** Where the image of a container that `buyer` placed here can be had, best first. */
  sourcesFor(
    container: ContainerId,
    { image: { reference } }: Pick<ContainerSpec, 'image'>,
    buyer: NodeId | undefined,
  ): readonly BlobSource[] {
    let registry: Promise<BlobSource> | undefined;
    const lazy: BlobSource = {
      name: this.#registry(reference, undefined).name,
      open: async (...wanted) => {
        registry ??= this.#borrow(container, reference, buyer).then((credentials) => this.#registry(reference, credentials));
        return (await registry).open(...wanted);
      },
    };
    return imageSources(this.#sources, lazy, buyer);
  }

  /** Does what a client asks for; the nodes that are to have its containers may borrow its credentials meanwhile. */
  async during<T>(command: Command, work: () => Promise<T>): Promise<T> {
    const requests =
      command.kind === 'run' ? [command.request] : command.kind === 'run-stack' ? command.stack.parts.map((p) => p.request) : [];
    if (requests.length === 0) return work();
    return this.#credentials.lendWhile(() => requests.flatMap(imageOf), work);
  }

  /** Answers what a peer asks under EXCHANGE_PATH. */
  serve(peer: NodeId, path: string, response: Pick<Http2ServerResponse, 'writeHead' | 'end'>): void {
    const asked = path.slice(EXCHANGE_PATH.length);
    const [, digest, not] = ERRAND.exec(asked) ?? [];
    if (digest !== undefined) {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end(this.#sources.errands.take(digest, peer, not as NodeId | undefined));
      return;
    }
    const container = CREDENTIALS.exec(asked)?.[1] as ContainerId | undefined;
    const credentials = container === undefined ? undefined : this.#credentials.lentFor(container);
    if (credentials === undefined) {
      response.writeHead(404);
      response.end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(credentials));
  }

  #otherArchitectures(): string[] {
    const members = this.#parts.members().filter(({ state }) => state === 'alive');
    const own = members.find(({ id }) => id === this.#parts.self())?.arch;
    return [...new Set(members.map(({ arch }) => arch))].filter((arch) => arch !== own);
  }

  #others(): readonly NodeId[] {
    const self = this.#parts.self();
    return this.#parts.members().flatMap(({ id, state }) => (state === 'alive' && id !== self ? [id] : []));
  }

  #registry(reference: string, credentials: RegistryCredentials | undefined): BlobSource {
    return DIGEST.test(reference) ? NO_REGISTRY : this.#parts.images.registrySource(reference, credentials);
  }

  /** From who pulled; undefined where it has none, or is gone: the registry may want none. */
  async #borrow(container: ContainerId, reference: string, buyer: NodeId | undefined): Promise<RegistryCredentials | undefined> {
    if (buyer === undefined || buyer === this.#parts.self()) return this.#credentials.of(reference);
    const answer = await this.#ask(buyer, `credentials/${container}`, undefined).catch(() => undefined);
    if (answer === undefined) return undefined;
    const value: unknown = JSON.parse(answer);
    return Check(CREDENTIALS_ANSWER, value) ? value : undefined;
  }

  async #askErrand(arbiter: NodeId, digest: string, not: NodeId | undefined, signal: AbortSignal): Promise<NodeId> {
    const answer = await this.#ask(arbiter, `errands/${digest}${not === undefined ? '' : `?not=${not}`}`, signal);
    return answer as NodeId;
  }

  /** @throws where the peer does not answer with success */
  async #ask(peer: NodeId, what: string, signal: AbortSignal | undefined): Promise<string> {
    const path = `${EXCHANGE_PATH}${what}`;
    const response = await this.#parts.request(peer, { method: 'POST', path, timeoutMs: ASK_TIMEOUT_MS, ...(signal && { signal }) });
    if (response.status !== 200 || Number(response.headers['content-length'] ?? 0) > ANSWER_BYTES) {
      response.body.destroy();
      throw new Error(`peer ${peer} answered ${response.status}`);
    }
    let bytes = 0;
    response.body.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES) response.body.destroy(new RangeError(`more than ${ANSWER_BYTES} bytes`));
    });
    return text(response.body);
  }
}

/** What travels as a spec is text; ours were made here. */
function imageOf({ containerId, spec }: Request): readonly (readonly [ContainerId, string])[] {
  const { image } = JSON.parse(spec) as Pick<ContainerSpec, 'image'>;
  return [[containerId, image.reference]];
}
