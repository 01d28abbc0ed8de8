import type { ContainerId, NetworkId, NodeId } from '../../core/model/index.ts';
import { KeyedLock } from '../../engine/oci/keyed-lock.ts';
import type { PeerAnswer } from './leases.ts';
import type { PortClaims } from './port-claims.ts';
import { readPortMessage } from './port-message.ts';

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
      if (gone) claims.release(container);
      const open = ports.filter(({ network }) => isOpen(network));
      const served = gone ? [] : await claims.serve(container, peer, open);
      changed();
      // What led elsewhere is closed when it is answered: its address may be another's next.
      await settled(served.map(({ network }) => network));
      return { status: 200, body: JSON.stringify(served) };
    });
  }
}
