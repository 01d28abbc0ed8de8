import type { Hint, Member, Message, Piggyback, Rumour } from '../../core/model/index.ts';
import { encode } from '../../core/wire/index.ts';

/** Encoded size of a message and of the news it carries, bytes without the seal. */
export interface MessageBytes {
  readonly all: number;
  readonly rumours: number;
  readonly hints: number;
}

/**
 * Sizes without encoding each message: pieces are encoded once and remembered by identity, since records and
 * rumours are shared by all nodes of a simulation. Exact: the tests hold it to the wire's own encoding.
 */
export class MessageSizes {
  readonly #rumours = new WeakMap<Rumour, number>();
  readonly #hints = new WeakMap<Hint, number>();
  readonly #members = new WeakMap<Member, number>();

  of(message: Message): MessageBytes {
    if ('gossip' in message) {
      const rumours = sum(message.gossip, (rumour) => memo(this.#rumours, rumour, gossipOf));
      const hints = sum(message.hints, (hint) => memo(this.#hints, hint, hintOf));
      return { all: bareBytes(message) + listBytes(rumours) + listBytes(hints), rumours, hints };
    }
    if (message.kind === 'sync-reply') {
      const members = sum(message.members, (member) => memo(this.#members, member, memberOf));
      return { all: encode({ ...message, members: [] }).length + listBytes(members), rumours: 0, hints: 0 };
    }
    return { all: encode(message).length, rumours: 0, hints: 0 };
  }
}

/** What a list with this content takes as a field, with its tag and its length; nothing where it is empty. */
function listBytes(content: number): number {
  return content === 0 ? 0 : content + 1 + varintBytes(content);
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/** Version and kind, sequence and target. */
function bareBytes(message: Message & Piggyback): number {
  const sequence = 'sequence' in message && message.sequence > 0 ? 1 + varintBytes(message.sequence) : 0;
  return 2 + sequence + ('target' in message ? TARGET_BYTES : 0);
}

const gossipOf = (rumour: Rumour): number => contentOf(encode({ kind: 'gossip', gossip: [rumour], hints: [] }).length - 2);
const hintOf = (hint: Hint): number => contentOf(encode({ kind: 'gossip', gossip: [], hints: [hint] }).length - 2);
const memberOf = (member: Member): number => contentOf(encode({ kind: 'sync-reply', members: [member], wanted: [] }).length - 2);

/** Of a field of one list its content. */
function contentOf(field: number): number {
  let content = field - 2;
  while (listBytes(content) > field) content--;
  return content;
}

function memo<K extends object>(known: WeakMap<K, number>, key: K, measure: (key: K) => number): number {
  let bytes = known.get(key);
  if (bytes === undefined) known.set(key, (bytes = measure(key)));
  return bytes;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}

/** Tag, length and 16 raw bytes. */
const TARGET_BYTES = 18;
