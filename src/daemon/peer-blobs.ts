import type { NodeId } from '../core/model/index.ts';
import type { BlobSource } from '../engine/port.ts';
import type { PeerRequest, PeerResponse } from '../transport/port.ts';

/** Path under which a node serves blobs to its peers. */
export const BLOBS_PATH = '/blobs/';

/** How many peers are asked at once whether they hold a blob, and how many for one blob. */
const ASK_AT_ONCE = 8;
const ASKED = 64;
const ASK_TIMEOUT_MS = 2_000;
const OPEN_TIMEOUT_MS = 10_000;

export interface PeerBlobsOptions {
  /** Nodes to ask, the likeliest holder first. */
  readonly candidates: readonly NodeId[];
  readonly request: (peer: NodeId, request: PeerRequest) => Promise<PeerResponse>;
}

type Opened = NonNullable<Awaited<ReturnType<BlobSource['open']>>>;

/**
 * The other nodes as one source of an image's blobs. Who had one blob has most likely the rest, so the last giver is
 * asked first; the others are asked by HEAD, a few at a time. A peer that is gone or has it not is no error: the next
 * source is tried. One that gave a blob and is asked for it again from its beginning gave something else: it is not
 * asked any more for anything of this image. So this source may stand twice in a list of sources.
 */
export class PeerBlobs implements BlobSource {
  readonly name = 'peers';
  readonly #options: PeerBlobsOptions;
  readonly #givers = new Map<string, NodeId>();
  readonly #distrusted = new Set<NodeId>();
  #giver: NodeId | undefined;

  constructor(options: PeerBlobsOptions) {
    this.#options = options;
  }

  async open(digest: string, signal: AbortSignal, fromByte = 0): Promise<Opened | undefined> {
    if (fromByte === 0) this.#distrustGiverOf(digest);
    const order = this.#order();
    for (let i = 0; i < order.length; i += ASK_AT_ONCE) {
      const answers = await Promise.all(order.slice(i, i + ASK_AT_ONCE).map((peer) => this.#holds(peer, digest, signal)));
      for (const peer of answers) {
        if (peer === undefined) continue;
        const blob = await this.#take(peer, digest, signal, fromByte);
        if (blob !== undefined) return blob;
      }
    }
    return undefined;
  }

  /** Takes it from this peer, which may first have to get it itself; undefined where it has it not. */
  async #take(peer: NodeId, digest: string, signal: AbortSignal, fromByte: number): Promise<Opened | undefined> {
    try {
      const blob = await openAt(this.#options, peer, digest, { signal, fromByte });
      if (blob === undefined || blob === 'coming') return undefined;
      this.#giver = peer;
      this.#givers.set(digest, peer);
      return blob;
    } catch {
      // It went away between the two questions: the next one may have it.
      return undefined;
    }
  }

  #order(): readonly NodeId[] {
    const trusted = this.#options.candidates.filter((peer) => !this.#distrusted.has(peer)).slice(0, ASKED);
    const giver = this.#giver;
    return giver === undefined ? trusted : [giver, ...trusted.filter((peer) => peer !== giver)];
  }

  #distrustGiverOf(digest: string): void {
    const giver = this.#givers.get(digest);
    if (giver === undefined) return;
    this.#givers.delete(digest);
    this.#distrusted.add(giver);
    if (this.#giver === giver) this.#giver = undefined;
  }

  async #holds(peer: NodeId, digest: string, signal: AbortSignal): Promise<NodeId | undefined> {
    const path = `${BLOBS_PATH}${digest}`;
    try {
      const response = await this.#options.request(peer, { method: 'HEAD', path, timeoutMs: ASK_TIMEOUT_MS, signal });
      response.body.destroy();
      return response.status === 200 ? peer : undefined;
    } catch {
      return undefined;
    }
  }
}

export interface OpenAt {
  readonly signal: AbortSignal;
  readonly fromByte: number;
  /** Where the peer gets it just now, it may take so long over its answer. */
  readonly waitMs?: number;
}

/** A blob of one peer's; `coming` where it is still getting it; undefined where it has it not. @throws PeerUnreachable */
export async function openAt(
  { request }: Pick<PeerBlobsOptions, 'request'>,
  peer: NodeId,
  digest: string,
  { signal, fromByte, waitMs = 0 }: OpenAt,
): Promise<Opened | 'coming' | undefined> {
  const response = await request(peer, {
    method: 'GET',
    path: `${BLOBS_PATH}${digest}${waitMs === 0 ? '' : `?wait=${waitMs}`}`,
    headers: fromByte === 0 ? {} : { range: `bytes=${fromByte}-` },
    timeoutMs: OPEN_TIMEOUT_MS + waitMs,
    signal,
  });
  const { status, headers, body } = response;
  if (status !== 200 && status !== 206) {
    body.destroy();
    return status === 202 ? 'coming' : undefined;
  }
  const startsAt = status === 206 ? fromByte : 0;
  const length = Number(headers['content-length'] ?? Number.NaN);
  return { sizeBytes: Number.isSafeInteger(length) ? startsAt + length : undefined, stream: body, startsAt };
}
