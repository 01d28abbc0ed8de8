import { expect, test } from 'vitest';
import type { AgreedVersion, Event, NodeId, Turn } from '../model/index.ts';
import { nodeId } from '../model/index.ts';
import { instanceOf } from '../node/test-words.ts';
import { AgreedNews } from './agreed-news.ts';

const [a, b] = ['a', 'b'].map((digit) => nodeId(digit.repeat(32))) as [NodeId, NodeId];
const at = (epoch: number, revision: number): AgreedVersion => ({ epoch, revision });

function listening(): { readonly news: AgreedNews; readonly hear: (from: NodeId, version: AgreedVersion) => readonly Event[] } {
  const news = new AgreedNews();
  return {
    news,
    hear: (from, version) => {
      const events: Event[] = [];
      news.heard({ emit: (event: Event) => events.push(event) } as unknown as Turn, from, version);
      return events;
    },
  };
}

test('once for each version and peer, and only what is newer than ours', () => {
  const { news, hear } = listening();
  expect(hear(a, at(1, 5))).toEqual([{ kind: 'agreed-newer', nodeId: a, version: at(1, 5) }]);
  expect([hear(a, at(1, 5)), hear(a, at(1, 4))]).toEqual([[], []]);
  expect(hear(b, at(1, 5))).toHaveLength(1);
  expect(hear(a, at(1, 6))).toHaveLength(1);
  news.set(at(1, 6));
  expect([hear(a, at(1, 6)), hear(b, at(1, 5))]).toEqual([[], []]);
  expect(hear(b, at(2, 1))).toHaveLength(1);
  news.gone(b);
  expect(hear(b, at(2, 1))).toHaveLength(1);
});

test('it goes round with the probes; who is told to have it hears no more', () => {
  const instance = instanceOf(3);
  const newer = () => instance.events.filter(({ kind }) => kind === 'agreed-newer');
  instance.run(5_000);
  expect(newer()).toEqual([]);
  const [first, ...others] = instance.nodes;
  if (first === undefined) throw new Error('no node');
  instance.ask(first, { kind: 'agreed', version: at(1, 70_000) });
  instance.run(10_000);
  expect(newer()).toEqual(others.map(() => ({ kind: 'agreed-newer', nodeId: first.record.id, version: at(1, 70_000) })));
  for (const node of others) instance.ask(node, { kind: 'agreed', version: at(1, 70_000) });
  instance.run(10_000);
  expect(newer()).toHaveLength(2);
  for (const node of others) instance.ask(node, { kind: 'agreed', version: at(1, 70_001) });
  instance.run(10_000);
  expect(newer()).toHaveLength(4);
});
