import { setTimeout as sleep } from 'node:timers/promises';
import type { Manager } from './manager.ts';
import type { OwnMember } from './own-member.ts';
import type { AgreementHostOptions, HandedOver } from './port.ts';

export interface HandingOverParts {
  readonly options: AgreementHostOptions;
  /** For so long after it handed over this node is no candidate. */
  readonly awayMs: number;
  readonly member: OwnMember;
  readonly manager: Manager;
  readonly isMember: () => boolean;
  /** What changes this node's part is done one after the other. */
  readonly exclusive: <T>(work: () => Promise<T>) => Promise<T>;
  /** One look after the members. */
  readonly look: () => Promise<unknown>;
}

const LONGEST_MS = 30_000;
const AGAIN_MS = 250;
const TRIES_TO_FIND = 4;

/** How a member takes its leave of the others: it leads somebody to its place, then it is none any more. */
export class HandingOver {
  readonly #parts: HandingOverParts;
  #awayUntilMs = -Infinity;

  constructor(parts: HandingOverParts) {
    this.#parts = parts;
  }

  /** It is leaving, or has just handed over: were it a candidate, it would be called at once again. */
  get isStayingAway(): boolean {
    return this.#awayUntilMs > this.#parts.options.nowMs();
  }

  async run(): Promise<HandedOver> {
    const { manager, isMember } = this.#parts;
    this.#stayAway();
    if (!isMember()) return 'not-a-member';
    manager.isLeaving = true;
    const outcome = await this.#untilDone();
    manager.isLeaving = false;
    if (outcome === 'handed-over') this.#stayAway();
    else this.#awayUntilMs = -Infinity;
    return outcome;
  }

  #stayAway(): void {
    this.#awayUntilMs = this.#parts.options.nowMs() + this.#parts.awayMs;
  }

  async #untilDone(): Promise<Exclude<HandedOver, 'not-a-member'>> {
    const { options, exclusive } = this.#parts;
    const endMs = options.nowMs() + LONGEST_MS;
    let foundNobody = 0;
    while (options.nowMs() < endMs) {
      const outcome = await exclusive(() => this.#once()).catch((error: unknown) => {
        options.log('debug', 'handing agreement over waits', { why: (error as Error).message });
        return 'again' as const;
      });
      if (outcome === 'handed-over') return outcome;
      // A node that is busy just now may have etcd all the same.
      if (outcome === 'nobody-to-take-over' && ++foundNobody === TRIES_TO_FIND) return outcome;
      await sleep(AGAIN_MS);
    }
    return 'failed';
  }

  async #once(): Promise<'again' | 'handed-over' | 'nobody-to-take-over'> {
    const { member, manager, look } = this.#parts;
    const { cluster, record } = member;
    if (record === undefined) return 'handed-over';
    const status = await cluster.status();
    // The leader may have promoted it this moment: then it would be missed. As a voter it goes by agreement, in a moment.
    if (status.isLearner) return 'again';
    const list = await cluster.list();
    const others = list.filter(({ id, isLearner }) => id !== status.id && !isLearner);
    if (others.length === 0) {
      if (status.leader !== status.id) return 'again';
      await look();
      return manager.hasCandidate(list) ? 'again' : 'nobody-to-take-over';
    }
    if (status.leader === status.id) {
      const heir = await manager.heir(others);
      if (heir !== undefined) await cluster.transfer(heir.id);
      return 'again';
    }
    await cluster.remove(status.id);
    await member.end();
    return 'handed-over';
  }
}
