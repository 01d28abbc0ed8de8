import { expect, test } from 'vitest';
import type { Hint, Member, Message, NodeId, Rumour } from '../../core/model/index.ts';
import { encode } from '../../core/wire/index.ts';
import { Prng } from '../../lib/prng.ts';
import { MessageSizes } from './message-bytes.ts';
import { drawRecord } from './scale-record.ts';

test('sizes are those of the wire, however much a message carries', () => {
  const random = new Prng(11);
  const sizes = new MessageSizes();
  const members: Member[] = Array.from({ length: 40 }, (_, index) => ({ ...drawRecord(random, index), state: 'alive' }));
  const hint = (): Hint => ({
    region: { class: 'high', cpuBucket: random.int(8) - 2, memoryBucket: random.int(8) - 4 },
    countLevel: random.int(5),
    splitLevel: random.int(3),
    stamp: random.uint32(),
  });
  const rumour = (): Rumour => {
    const member = random.pick(members) as Member;
    if (random.chance(0.5)) return { kind: 'record', member };
    return { kind: 'state', shortId: member.id.slice(0, 16), incarnation: random.int(100_000), state: 'dead', from: 'ab'.repeat(8) };
  };
  const some = <T>(most: number, make: () => T): T[] => Array.from({ length: random.int(most + 1) }, make);
  for (let i = 0; i < 300; i++) {
    const news = { gossip: some(12, rumour), hints: some(12, hint) };
    const sequence = random.chance(0.5) ? random.int(300) : random.uint32();
    const messages: Message[] = [
      { kind: 'ping', sequence, target: random.hex(16) as NodeId, ...news },
      { kind: 'ack', sequence, ...news },
      { kind: 'gossip', ...news },
      { kind: 'nack', sequence },
      { kind: 'sync-reply', members: members.slice(0, random.int(40)), wanted: some(9, () => random.int(256)) },
    ];
    for (const message of messages) expect(sizes.of(message).all).toBe(encode(message).length);
  }
});
