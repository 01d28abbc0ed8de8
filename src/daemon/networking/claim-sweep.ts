import type { ContainerId, NodeId } from '../../core/model/index.ts';
import type { CoreNode } from '../../core/node/port.ts';
import type { PeerRequest, PeerResponse } from '../../transport/port.ts';
import type { Log } from '../log.ts';
import { PORTS_PATH } from './port-announcer.ts';
import type { PortClaims } from './port-claims.ts';

export interface ClaimSweepParts {
  readonly claims: Pick<PortClaims, 'olderThan'>;
  readonly node: Pick<CoreNode, 'self' | 'member' | 'container'>;
  readonly request: (peer: NodeId, request: PeerRequest) => Promise<PeerResponse>;
  readonly release: (container: ContainerId) => void;
  /** Nodes that were shut out of the instance. */
  readonly removed: () => readonly NodeId[];
  readonly log: Log;
}

const EVERY_MS = 60_000;
/** A claim of this age is asked after: its node has the container, or never will. */
const AGE_MS = 30_000;
/** One whose run is under way: it is long placed, or never was. */
const PLACING_MS = 600_000;
const TIMEOUT_MS = 3_000;

/** Asks after containers that ports of this node are kept for: whoever should have told us of their end may have died before. */
export class ClaimSweep {
  readonly #parts: ClaimSweepParts;
  #timer: NodeJS.Timeout | undefined;
  #isBusy = false;
  #isClosed = false;

  constructor(parts: ClaimSweepParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => void this.sweep(), EVERY_MS).unref();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  /** Never rejects. */
  async sweep(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      this.forgetRemoved();
      for (const { container, node } of this.#parts.claims.olderThan(AGE_MS, PLACING_MS)) {
        const isGone = await this.#isGone(container, node);
        if (this.#isClosed) return;
        if (isGone) this.#parts.release(container);
      }
    } finally {
      this.#isBusy = false;
    }
  }

  /** Those won't come back: what they ran is nobody's. */
  forgetRemoved(): void {
    const claims = this.#parts.claims.olderThan(-1, PLACING_MS).filter(({ node }) => node !== undefined);
    if (claims.length === 0) return;
    const removed = new Set(this.#parts.removed());
    for (const { container, node } of claims) {
      if (node !== undefined && (removed.has(node) || this.#parts.node.member(node)?.state === 'left')) this.#parts.release(container);
    }
  }

  /** Only where that is certain: the container of a node that is down may run on. */
  async #isGone(container: ContainerId, at: NodeId | undefined): Promise<boolean> {
    const { node } = this.#parts;
    if (at === undefined) return true;
    if (at === node.self().id) return node.container(container) === undefined;
    const member = node.member(at);
    if (member === undefined || member.state === 'left') return true;
    return member.state === 'alive' && this.#denies(at, container);
  }

  async #denies(node: NodeId, container: ContainerId): Promise<boolean> {
    try {
      const response = await this.#parts.request(node, { method: 'GET', path: `${PORTS_PATH}/${container}`, timeoutMs: TIMEOUT_MS });
      response.body.resume();
      return response.status === 404;
    } catch (error) {
      this.#parts.log('debug', 'a node could not be asked after a container', { node, error: String(error) });
      return false;
    }
  }
}
