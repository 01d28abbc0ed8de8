import type { NodeId } from '../core/model/index.ts';
import type { BlobSource } from '../engine/port.ts';
import { arbiterOf, type ImageArrivals, type ImageErrands } from './image-errands.ts';
import { openAt, PeerBlobs, type PeerBlobsOptions } from './peer-blobs.ts';

/** How long one question to a node that gets a blob may wait, and for how many such a node is waited for: an hour. */
const WAIT_MS = 25_000;
const WAITS = 144;
/** Nodes that were to get a blob and did not, before this one gets it itself. */
const ROUNDS = 3;

export interface ImageSourcesParts {
  readonly self: NodeId;
  /** Alive, this node left out. */
  readonly others: () => readonly NodeId[];
  readonly request: PeerBlobsOptions['request'];
  readonly errands: ImageErrands;
  readonly arrivals: ImageArrivals;
  /** Asks the arbiter whose errand it is. @throws where it can't be asked */
  readonly askErrand: (arbiter: NodeId, digest: string, not: NodeId | undefined, signal: AbortSignal) => Promise<NodeId>;
}

/**
 * Where an image's blobs can be had, best first: from peers that hold them (twice, as one may give something else),
 * from the peer whose errand it is to get them from the registry, from the registry.
 * @param likeliest who holds them most likely
 */
export function imageSources(parts: ImageSourcesParts, registry: BlobSource, likeliest: NodeId | undefined): readonly BlobSource[] {
  const others = parts.others();
  if (others.length === 0) return [registry];
  const peers = new PeerBlobs({ candidates: others, likeliest, request: parts.request });
  return [peers, peers, whoseErrandItIs(parts), arriving(parts.arrivals, registry)];
}

/** The node whose errand it is; undefined where it is this node's. */
function whoseErrandItIs(parts: ImageSourcesParts): BlobSource {
  const { self, errands, arrivals, request } = parts;
  return {
    name: 'the peer that gets it',
    async open(digest, signal, fromByte = 0) {
      let not: NodeId | undefined;
      for (let round = 0; round < ROUNDS; round++) {
        const arbiter = arbiterOf(digest, [self, ...parts.others()]) ?? self;
        const node = arbiter === self ? errands.take(digest, self, not) : await askOr(self, parts, arbiter, digest, not, signal);
        if (node === self) break;
        for (let wait = 0; wait < WAITS; wait++) {
          const blob = await openAt({ request }, node, digest, { signal, fromByte, waitMs: WAIT_MS }).catch(() => undefined);
          signal.throwIfAborted();
          if (blob === undefined) break;
          if (blob !== 'coming') return blob;
        }
        not = node;
      }
      arrivals.expect(digest);
      return undefined;
    },
  };
}

/** Who can't ask, or is told of a node that is not there, goes by itself. */
async function askOr(
  self: NodeId,
  { askErrand, others }: ImageSourcesParts,
  arbiter: NodeId,
  digest: string,
  not: NodeId | undefined,
  signal: AbortSignal,
): Promise<NodeId> {
  const node = await askErrand(arbiter, digest, not, signal).catch(() => self);
  signal.throwIfAborted();
  return others().includes(node) && node !== not ? node : self;
}

/** Tells those who wait for us how it goes. */
function arriving(arrivals: ImageArrivals, registry: BlobSource): BlobSource {
  return {
    name: registry.name,
    async open(digest, signal, fromByte) {
      const end = arrivals.begin(digest);
      try {
        const blob = await registry.open(digest, signal, fromByte);
        if (blob !== undefined) {
          blob.stream.once('close', end);
          return blob;
        }
      } catch (error) {
        end();
        arrivals.giveUp(digest);
        throw error;
      }
      end();
      arrivals.giveUp(digest);
      return undefined;
    },
  };
}
