import type { NodeId } from '../core/model/index.ts';
import type { BlobSource } from '../engine/port.ts';
import type { PeerRequest, PeerResponse } from '../transport/port.ts';

/** Path under which a node serves blobs to its peers. */
export const BLOBS_PATH = '/blobs/';

/** How many peers are asked at once whether they hold a blob. */
const ASK_AT_ONCE = 8;
const ASK_TIMEOUT_MS = 2_000;
const OPEN_TIMEOUT_MS = 10_000;

export interface PeerBlobsOptions {
  /** Nodes to ask, the likeliest holder first. */
  readonly candidates: readonly NodeId[];
  request(peer: NodeId, request: PeerRequest): Promise<PeerResponse>;
}

/**
 * The other nodes as one source of blobs. Who had one blob of an image has most likely the rest, so
 * the last giver is asked first; the others are asked by HEAD, a few at a time. A peer that is gone
 * or has it not is no error: the next source is tried.
 */
export function peerBlobs(options: PeerBlobsOptions): BlobSource {
  let giver: NodeId | undefined;

  const open = async (peer: NodeId, digest: string, signal: AbortSignal) => {
    const response = await options.request(peer, { method: 'GET', path: `${BLOBS_PATH}${digest}`, timeoutMs: OPEN_TIMEOUT_MS, signal });
    if (response.status !== 200) {
      response.body.destroy();
      return undefined;
    }
    const length = Number(response.headers['content-length']);
    return { sizeBytes: Number.isSafeInteger(length) ? length : undefined, stream: response.body };
  };

  const holds = async (peer: NodeId, digest: string, signal: AbortSignal): Promise<NodeId | undefined> => {
    try {
      const response = await options.request(peer, { method: 'HEAD', path: `${BLOBS_PATH}${digest}`, timeoutMs: ASK_TIMEOUT_MS, signal });
      response.body.destroy();
      return response.status === 200 ? peer : undefined;
    } catch {
      return undefined;
    }
  };

  return {
    name: 'peers',
    async open(digest, signal) {
      const order = giver === undefined ? options.candidates : [giver, ...options.candidates.filter((id) => id !== giver)];
      for (let i = 0; i < order.length; i += ASK_AT_ONCE) {
        const answers = await Promise.all(order.slice(i, i + ASK_AT_ONCE).map((peer) => holds(peer, digest, signal)));
        for (const peer of answers) {
          if (peer === undefined) continue;
          try {
            const blob = await open(peer, digest, signal);
            if (blob === undefined) continue;
            giver = peer;
            return blob;
          } catch {
            // It went away between the two questions: the next one may have it.
          }
        }
      }
      return undefined;
    },
  };
}
