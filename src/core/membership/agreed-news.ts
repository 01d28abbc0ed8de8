import { NO_VERSION, newerVersion } from '../model/index.ts';
import type { AgreedVersion, NodeId, Turn } from '../model/index.ts';

/** Who has a newer copy of the agreed state than this node: what each says of its own, heard along with its probes. */
export class AgreedNews {
  #own: AgreedVersion | undefined;
  /** What was reported of each and is newer than ours still. */
  readonly #reported = new Map<NodeId, AgreedVersion>();

  /** What this node has; undefined until it was told. */
  get own(): AgreedVersion | undefined {
    return this.#own;
  }

  set(version: AgreedVersion): void {
    this.#own = version;
    for (const [id, theirs] of this.#reported) if (!newerVersion(theirs, version)) this.#reported.delete(id);
  }

  heard(turn: Turn, from: NodeId, version: AgreedVersion): void {
    if (!newerVersion(version, this.#own ?? NO_VERSION)) return;
    const before = this.#reported.get(from);
    // Older ones come late.
    if (before !== undefined && !newerVersion(version, before)) return;
    this.#reported.set(from, version);
    turn.emit({ kind: 'agreed-newer', nodeId: from, version });
  }

  /** If it comes back, it is told anew. */
  gone(id: NodeId): void {
    this.#reported.delete(id);
  }
}
