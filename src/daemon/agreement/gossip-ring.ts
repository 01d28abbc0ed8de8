import type { Copy } from '../../agreement/state/copy.ts';
import type { Store } from '../../store/port.ts';
import type { GossipKeys } from '../../transport/trust/gossip-keys.ts';
import type { Log } from '../log.ts';
import { DOCUMENTS } from '../settings.ts';

export interface GossipRingParts {
  readonly copy: Copy;
  readonly disk: Pick<Store, 'putDocument'>;
  /** As this node had them when it was made, or last. */
  readonly kept: GossipKeys;
  /** Others than before: from now on datagrams are sealed and opened with these. */
  readonly onKeys: (keys: GossipKeys) => void;
  readonly log: Log;
}

/**
 * The keys of datagrams that this node goes by: those that are agreed, and until some are, those it was made with. The
 * copy brings them by mutual TLS, which a node that was removed does not get through. What is agreed may be lost for
 * ever; the keys are in the node's settings, too, so that the nodes that are left find each other.
 */
export class GossipRing {
  readonly #parts: GossipRingParts;
  #keys: GossipKeys;

  constructor(parts: GossipRingParts) {
    this.#parts = parts;
    this.#keys = parts.copy.views.gossipKeys ?? parts.kept;
    parts.copy.onChange(() => this.#follow());
  }

  get keys(): GossipKeys {
    return this.#keys;
  }

  #follow(): void {
    const { copy, disk, onKeys, log } = this.#parts;
    const agreed = copy.views.gossipKeys;
    if (agreed === undefined || agreed === this.#keys || JSON.stringify(agreed) === JSON.stringify(this.#keys)) return;
    this.#keys = agreed;
    try {
      disk.putDocument(DOCUMENTS.gossipKeys, agreed);
    } catch (error) {
      log('warn', 'the keys of datagrams could not be written down', { error: String(error) });
    }
    log('info', 'datagrams go by other keys', { sealedWith: agreed.use, opened: agreed.keys.map(({ id }) => id).join(' ') });
    onKeys(agreed);
  }
}
