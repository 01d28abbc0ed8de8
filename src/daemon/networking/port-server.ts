import { type ContainerId, LIMITS, type NetworkId, type NodeId } from '../../core/model/index.ts';
import { KeyedLock } from '../../engine/oci/keyed-lock.ts';
import type { PeerAnswer } from './leases.ts';
import type { PortClaims } from './port-claims.ts';
import { readPortMessage, type SentPortMessage } from './port-message.ts';

export interface PortServerParts {
  readonly claims: Pick<PortClaims, 'mayServe' | 'release' | 'serve'>;
  /** Whether this host can take part in the network, as it must to lead anything there. */
  readonly isOpen: (network: NetworkId) => boolean;
  /** What is served here has changed: the kernel is to follow. */
  readonly changed: () => void;
  /** The kernel has followed, as far as these networks go and what all stand on. */
  readonly settled: (networks: readonly NetworkId[]) => Promise<void>;
}

/** The asked node's ear for what a PortAnnouncer says: one word about a container after the other. */
export class PortServer {
  readonly #parts: PortServerParts;
  readonly #turns = new KeyedLock<ContainerId>();
  /** What was last said of each, also of those that are gone: an older word may come late, and its address be another's by then. */
  readonly #newest = new Map<ContainerId, Pick<SentPortMessage, 'life' | 'number'> & { readonly peer: NodeId }>();

  constructor(parts: PortServerParts) {
    this.#parts = parts;
  }

  /** @throws Error where the kernel does not follow; the peer says it again */
  async answer(peer: NodeId, body: string): Promise<PeerAnswer> {
    const { claims, isOpen, changed, settled } = this.#parts;
    const message = readPortMessage(body);
    if (message === undefined) return { status: 400, body: '{}' };
    const { container, gone, ports } = message;
    return this.#turns.run(container, async () => {
      if (!claims.mayServe(container, peer)) return { status: 400, body: '{}' };
      if (!this.#isNews(peer, message)) return { status: 409, body: '{}' };
      if (gone) claims.release(container);
      const open = ports.filter(({ network }) => isOpen(network));
      const served = gone ? [] : await claims.serve(container, peer, open);
      changed();
      // What led elsewhere is closed when it is answered: its address may be another's next.
      await settled(served.map(({ network }) => network));
      return { status: 200, body: JSON.stringify(served) };
    });
  }

  #isNews(peer: NodeId, { container, life, number }: SentPortMessage): boolean {
    const last = this.#newest.get(container);
    const isOlder = last?.peer === peer && (life < last.life || (life === last.life && number < last.number));
    if (isOlder) return false;
    this.#newest.delete(container);
    this.#newest.set(container, { peer, life, number });
    const [oldest] = this.#newest.keys();
    if (oldest !== undefined && this.#newest.size > LIMITS.containers) this.#newest.delete(oldest);
    return true;
  }
}
