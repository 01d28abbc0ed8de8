import { expect, it } from 'vitest';
import { type NodeId, nodeId } from '../../core/model/index.ts';
import { Capabilities } from './capabilities.ts';
import type { NodeFact } from './port.ts';

const fact = (n: number, more: Partial<NodeFact> = {}): NodeFact => ({
  id: nodeId(n.toString(16).padStart(32, '0')),
  ip: '10.0.0.1',
  isAlive: true,
  isCandidate: undefined,
  ...more,
});

it('asks the lowest first until it knows enough, and keeps what it was told', async () => {
  const nodes = Array.from({ length: 30 }, (_, n) => fact(30 - n));
  const capabilities = new Capabilities(1_000);
  const asked: NodeId[] = [];
  const learn = (nowMs: number, answer: boolean | undefined) =>
    capabilities.learn(nodes, nowMs, async (node) => {
      asked.push(node);
      return answer;
    });
  await learn(0, false);
  expect(asked).toEqual(Array.from({ length: 8 }, (_, n) => fact(n + 1).id));
  await learn(1, true);
  await learn(2, true);
  expect(asked).toHaveLength(16);
  expect([1, 9, 17].map((n) => capabilities.isFit(fact(n)))).toEqual([false, true, undefined]);
  // Old answers hold while they are asked for again, also where nobody answers.
  await learn(1_001, undefined);
  expect(asked).toHaveLength(24);
  expect([1, 9].map((n) => capabilities.isFit(fact(n)))).toEqual([false, true]);
});

it('takes what gossip says, asks nobody who is dead, and forgets who is gone', async () => {
  const capabilities = new Capabilities(1_000);
  const nodes = [fact(1, { isCandidate: false }), fact(2, { isAlive: false }), fact(3)];
  await capabilities.learn(nodes, 0, async () => true);
  expect(nodes.map((node) => capabilities.isFit(node))).toEqual([false, undefined, true]);
  await capabilities.learn(nodes.slice(0, 2), 1, async () => true);
  expect(capabilities.isFit(fact(3))).toBeUndefined();
});
