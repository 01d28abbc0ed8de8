import type { Event, Member, Message, NodeId } from '../core/model/index.ts';

export interface RemovedMembersParts {
  /** In all states. */
  readonly members: () => readonly Member[];
  /** Whether it is agreed that this node was shut out. */
  readonly isRemoved: (id: NodeId) => boolean;
  /** Gives the core a message. */
  readonly receive: (from: NodeId, message: Message) => void;
}

const SHORT_DIGITS = 16;

/**
 * Who was shut out is as one that left, which the core learns only from the node itself: nobody hears that one any
 * more, so what it would say is said here for it. As one that is merely dead it may come back and have any name, and no
 * name could be ruled out for a day.
 */
export class RemovedMembers {
  readonly #parts: RemovedMembersParts;

  constructor(parts: RemovedMembersParts) {
    this.#parts = parts;
  }

  /** What is agreed has changed, or the core has begun. */
  look(): void {
    for (const member of this.#parts.members()) this.#judge(member);
  }

  /** The core's events: peers that have not heard of it may say that it is there. */
  see(event: Event): void {
    if (event.kind === 'member-alive') this.#judge({ ...event.member, state: 'alive' });
  }

  #judge({ id, incarnation, state }: Member): void {
    if (state === 'left' || !this.#parts.isRemoved(id)) return;
    const shortId = id.slice(0, SHORT_DIGITS);
    const left = { kind: 'state', shortId, incarnation, state: 'left', from: shortId } as const;
    this.#parts.receive(id, { kind: 'gossip', gossip: [left], hints: [] });
  }
}
