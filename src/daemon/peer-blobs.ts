import type { NodeId } from '../core/model/index.ts';
import type { BlobSource } from '../engine/port.ts';
import type { PeerRequest, PeerResponse } from '../transport/port.ts';

/** Path under which a node serves blobs to its peers. */
export const BLOBS_PATH = '/blobs/';

/** How many peers are asked at once whether they hold a blob, and how many for one blob. */
const ASK_AT_ONCE = 16;
const ASKED = 64;
const ASK_TIMEOUT_MS = 2_000;
const OPEN_TIMEOUT_MS = 10_000;

export interface PeerBlobsOptions {
  readonly candidates: readonly NodeId[];
  /** Who of them most likely has what is wanted. */
  readonly likeliest?: NodeId | undefined;
  readonly request: (peer: NodeId, request: PeerRequest) => Promise<PeerResponse>;
}

type Opened = NonNullable<Awaited<ReturnType<BlobSource['open']>>>;

/**
 * The other nodes as one source of an image's blobs. Who had one blob has most likely the rest, so the last giver is
 * asked for it at once; else all are asked by HEAD, a few at a time, and the first that says yes is taken. A peer that is
 * gone or has it not is no error: the next source is tried. One that gave a blob and is asked for it again from its
 * beginning gave something else: it is not asked any more for anything of this image. So this source may stand twice in
 * a list of sources.
 */
export class PeerBlobs implements BlobSource {
  readonly name = 'peers';
  readonly #options: PeerBlobsOptions;
  readonly #givers = new Map<string, NodeId>();
  readonly #distrusted = new Set<NodeId>();
  #giver: NodeId | undefined;

  constructor(options: PeerBlobsOptions) {
    this.#options = options;
    this.#giver = options.candidates.find((peer) => peer === options.likeliest);
  }

  async open(digest: string, signal: AbortSignal, fromByte = 0): Promise<Opened | undefined> {
    if (fromByte === 0) this.#distrustGiverOf(digest);
    const first = this.#giver;
    const blob = first && (await this.#take(first, digest, signal, fromByte));
    if (blob !== undefined) return blob;
    const left = this.#options.candidates.filter((peer) => peer !== first && !this.#distrusted.has(peer)).slice(0, ASKED);
    while (left.length > 0 && !signal.aborted) {
      const asked = left.slice(0, ASK_AT_ONCE);
      const holder = await firstOf(asked.map((peer) => this.#holds(peer, digest, signal)));
      const taken = holder && (await this.#take(holder, digest, signal, fromByte));
      if (taken !== undefined) return taken;
      // Who said yes and gave nothing is not asked again; the others of that handful may have it.
      left.splice(0, left.length, ...left.filter((peer) => (holder === undefined ? !asked.includes(peer) : peer !== holder)));
    }
    return undefined;
  }

  /** undefined where it has it not, or went away. */
  async #take(peer: NodeId, digest: string, signal: AbortSignal, fromByte: number): Promise<Opened | undefined> {
    try {
      const blob = await openAt(this.#options, peer, digest, { signal, fromByte });
      if (blob === undefined || blob === 'coming') return undefined;
      this.#giver = peer;
      this.#givers.set(digest, peer);
      return blob;
    } catch {
      if (this.#giver === peer) this.#giver = undefined;
      return undefined;
    }
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

/** The first that is something; undefined where none is. */
function firstOf<T>(answers: readonly Promise<T | undefined>[]): Promise<T | undefined> {
  return new Promise((resolve) => {
    for (const answer of answers) void answer.then((value) => value !== undefined && resolve(value));
    void Promise.all(answers).then(() => resolve(undefined));
  });
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
