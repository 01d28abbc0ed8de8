import type { NodeId } from '../../core/model/index.ts';
import type { NodeFact } from './port.ts';

/** Nodes asked at a time, and how many fit ones are enough to choose from. */
const ASKED = 8;
const ENOUGH = 5;

interface Known {
  readonly isFit: boolean;
  readonly atMs: number;
}

/**
 * Which nodes could be members: those that have etcd. Gossip may say so; else the leader asks, lowest ids first, until
 * it knows enough of them. What a node said holds until it says otherwise: of one that is dead, too.
 */
export class Capabilities {
  readonly #known = new Map<NodeId, Known>();
  /** How long an answer is good before the node is asked again. */
  readonly #againMs: number;

  constructor(againMs: number) {
    this.#againMs = againMs;
  }

  /** undefined: not known. */
  isFit(node: NodeFact): boolean | undefined {
    return node.isCandidate ?? this.#known.get(node.id)?.isFit;
  }

  /** @param ask whether the node has etcd; undefined: it did not answer */
  async learn(nodes: readonly NodeFact[], nowMs: number, ask: (node: NodeId) => Promise<boolean | undefined>): Promise<void> {
    const present = new Set(nodes.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!present.has(id)) this.#known.delete(id);
    const alive = nodes.filter(({ isAlive, isCandidate }) => isAlive && isCandidate === undefined);
    const isFresh = ({ id }: NodeFact) => nowMs - (this.#known.get(id)?.atMs ?? -Infinity) < this.#againMs;
    if (alive.filter((node) => this.isFit(node) === true && isFresh(node)).length >= ENOUGH) return;
    const asked = alive
      .filter((node) => !isFresh(node))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, ASKED);
    await Promise.all(
      asked.map(async ({ id }) => {
        const isFit = await ask(id);
        if (isFit !== undefined) this.#known.set(id, { isFit, atMs: nowMs });
      }),
    );
  }
}
