import type { AgreedState } from '../../agreement/state/port.ts';
import { DEFAULT_NETWORK } from '../../core/model/index.ts';
import type { CoreNode } from '../../core/node/port.ts';
import type { Log } from '../log.ts';
import type { Leases } from './leases.ts';

export interface FirstBlockParts {
  readonly leases: Pick<Leases, 'ensureFirst'>;
  readonly state: Pick<AgreedState, 'networks' | 'leases'>;
  readonly node: Pick<CoreNode, 'self'>;
  readonly log: Log;
}

const WAIT_MS = 5_000;

/** A node's first addresses of the default network: containers can start once it has them. */
export class FirstBlock {
  readonly #parts: FirstBlockParts;
  #block: Promise<void> | undefined;

  constructor(parts: FirstBlockParts) {
    this.#parts = parts;
  }

  /** Whether the default network is known here, of which a new node may hear later. */
  get isKept(): boolean {
    return this.#block !== undefined;
  }

  /** Asks for them, once, and waits a while for them where there are none yet. Never rejects. */
  async keep(): Promise<void> {
    const { leases, log, node, state } = this.#parts;
    const agreed = state.networks().find(({ name }) => name === DEFAULT_NETWORK);
    if (agreed === undefined) return;
    this.#block ??= leases.ensureFirst(agreed.id).catch((error: unknown) => log('warn', 'no addresses yet', { error: String(error) }));
    if (state.leases(agreed.id).some((lease) => lease.node === node.self().id)) return;
    await Promise.race([this.#block, new Promise((resolve) => setTimeout(resolve, WAIT_MS).unref())]);
  }
}
