import { AgreementUnavailable, type StoreAccess } from '../../agreement/port.ts';
import type { AgreementHost } from '../../agreement/members/port.ts';
import { KEYS } from '../../agreement/state/keys.ts';
import type { AgreedState, NodeChanges } from '../../agreement/state/port.ts';
import { LeaveRefused } from '../../api/backend.ts';
import type { NodeId } from '../../core/model/index.ts';
import type { Log } from '../log.ts';
import type { Neighbours } from './neighbours.ts';

export interface LeavingParts {
  readonly self: NodeId;
  readonly host: Pick<AgreementHost, 'handOver'>;
  readonly store: Pick<StoreAccess, 'get'>;
  readonly state: Pick<NodeChanges, 'endNode'> & Pick<AgreedState, 'node'>;
  readonly neighbours: Pick<Neighbours, 'alive'>;
  readonly log: Log;
  /** Monotonic. */
  nowMs(): number;
  sleep(ms: number): Promise<unknown>;
}

/** Members that change, as they do when one of them has just left, agree on nothing for some seconds. */
const GIVE_UP_MS = 20_000;
const AGAIN_MS = 500;

/** How a node takes its leave of the others: its part in agreement first, its name and addresses last. */
export class Leaving {
  readonly #parts: LeavingParts;
  #hadMajority = true;

  constructor(parts: LeavingParts) {
    this.#parts = parts;
  }

  /** Before this node leaves: another takes its part. @throws LeaveRefused unless forced */
  async handOver(force: boolean): Promise<void> {
    const { host, neighbours, log } = this.#parts;
    if (neighbours.alive().length === 0) return;
    const why = await this.#whyNoMajority();
    this.#hadMajority = why === undefined;
    if (why !== undefined && !force) {
      throw new LeaveRefused(
        `this node can't give back its name and addresses now. ${why}. With --force it leaves all the same; when a majority answers again, say "caravela nodes rm" for it on another node`,
      );
    }
    const outcome = await host.handOver();
    if (outcome === 'handed-over') log('info', 'this node’s part in agreement was handed over', {});
    if (outcome === 'not-a-member' || outcome === 'handed-over') return;
    const refusal =
      outcome === 'nobody-to-take-over'
        ? 'this node alone takes part in agreement, and none of the others can take over: etcd is not installed there (Debian: apt install etcd-server). Install it on one of them and leave again'
        : 'this node’s part in agreement could not be handed over within its time: see "caravela agreement status", and leave again';
    if (force) return log('warn', `${refusal}. It leaves all the same`, {});
    throw new LeaveRefused(
      `${refusal}. With --force it leaves all the same: then nothing can be agreed until "caravela agreement recover" is run on a node with etcd that has the key for new certificates`,
    );
  }

  /** Name and addresses are given back. @throws LeaveRefused unless forced: then it is logged, and `nodes rm` does it later */
  async giveUp(force: boolean): Promise<void> {
    const { neighbours, log } = this.#parts;
    // The last one leaves nothing that somebody could read.
    if (neighbours.alive().length === 0) return;
    const why = await this.#end(force && !this.#hadMajority ? 0 : GIVE_UP_MS);
    if (why === undefined) return;
    if (!force) {
      throw new LeaveRefused(
        `this node has no containers any more, but could not give back its name and addresses. ${why}. Leave again in a moment; with --force it leaves all the same: then say "caravela nodes rm" for it on another node`,
      );
    }
    log('warn', 'the name and the addresses of this node could not be given back: say "caravela nodes rm" for it on another node', {
      error: why,
    });
  }

  /** Tries again until it is agreed that this node left, or the time is up: then why. */
  async #end(patienceMs: number): Promise<string | undefined> {
    const { self, state, log } = this.#parts;
    const endMs = this.#parts.nowMs() + patienceMs;
    for (;;) {
      try {
        await state.endNode(self, 'left', Date.now());
        return undefined;
      } catch (error) {
        // Once that is agreed, the members return its addresses.
        if (state.node(self)?.state === 'left') return undefined;
        const why = (error as Error).message;
        if (this.#parts.nowMs() + AGAIN_MS > endMs) return why;
        log('info', 'giving back the name and the addresses of this node waits', { error: why });
      }
      await this.#parts.sleep(AGAIN_MS);
    }
  }

  async #whyNoMajority(): Promise<string | undefined> {
    try {
      await this.#parts.store.get(KEYS.networksGuard);
      return undefined;
    } catch (error) {
      if (!(error instanceof AgreementUnavailable)) throw error;
      return error.message;
    }
  }
}
