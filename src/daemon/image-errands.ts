import { createHash } from 'node:crypto';
import type { NodeId } from '../core/model/index.ts';

/** Blobs of which a node remembers who asks the registry for them, and for how long it does. */
const REMEMBERED = 4_096;
const REMEMBERED_MS = 1_800_000;
/** From the errand to the registry's first byte; and from its last to the blob's place in the store. */
const LINGER_MS = 5_000;

/**
 * Who of the instance asks the registry for a blob: one node, of which the others have it then. That is kept by one
 * node per blob, found without asking (rendezvous hashing over the members; Thaler and Ravishankar 1998). Nodes that
 * see different members may find two, which costs a download and nothing else.
 */
export function arbiterOf(digest: string, members: readonly NodeId[]): NodeId | undefined {
  let best: { readonly node: NodeId; readonly weight: string } | undefined;
  for (const node of members) {
    const weight = createHash('sha256').update(`${digest} ${node}`).digest('hex');
    if (best === undefined || weight > best.weight) best = { node, weight };
  }
  return best?.node;
}

/** The arbiter's part. */
export class ImageErrands {
  readonly #errands = new Map<string, { readonly node: NodeId; readonly atMs: number }>();
  readonly #isAlive: (node: NodeId) => boolean;
  readonly #nowMs: () => number;

  constructor(isAlive: (node: NodeId) => boolean, nowMs: () => number) {
    this.#isAlive = isAlive;
    this.#nowMs = nowMs;
  }

  /** Whose errand it is: the asker's, where it is nobody's, or of one who is gone or did `not` get the blob. */
  take(digest: string, asker: NodeId, not: NodeId | undefined): NodeId {
    const errand = this.#errands.get(digest);
    const isOver = errand === undefined || errand.atMs + REMEMBERED_MS < this.#nowMs();
    if (!isOver && errand.node !== not && this.#isAlive(errand.node)) return errand.node;
    this.#errands.delete(digest);
    this.#errands.set(digest, { node: asker, atMs: this.#nowMs() });
    const oldest = this.#errands.keys().next();
    if (this.#errands.size > REMEMBERED && oldest.done !== true) this.#errands.delete(oldest.value);
    return asker;
  }
}

/** What this node gets from registries just now: others wait for it. */
export class ImageArrivals {
  readonly #open = new Map<string, number>();
  readonly #until = new Map<string, number>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  isUnderWay(digest: string): boolean {
    return this.#open.has(digest) || (this.#until.get(digest) ?? 0) > this.#nowMs();
  }

  /** It is this node's errand. */
  expect(digest: string): void {
    for (const [known, untilMs] of this.#until) if (untilMs <= this.#nowMs()) this.#until.delete(known);
    this.#until.set(digest, this.#nowMs() + LINGER_MS);
  }

  /** Its bytes come, until the answer is called; it may yet have to be put into the store then. */
  begin(digest: string): () => void {
    this.#open.set(digest, (this.#open.get(digest) ?? 0) + 1);
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      const left = (this.#open.get(digest) ?? 1) - 1;
      if (left > 0) this.#open.set(digest, left);
      else this.#open.delete(digest);
      this.expect(digest);
    };
  }

  /** It will not come. */
  giveUp(digest: string): void {
    this.#until.delete(digest);
  }
}
