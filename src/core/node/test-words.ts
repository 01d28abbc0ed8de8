import { assert } from '../../lib/assert.ts';
import type { Hint, Result } from '../model/index.ts';
import { TestInstance, room } from './test-instance.ts';
import type { TestNode } from './test-instance.ts';

/** n nodes that know each other. */
export function instanceOf(n: number, capacity = room(2, 512), seed = 1): TestInstance {
  const instance = new TestInstance(seed);
  for (let i = 0; i < n; i++) {
    instance.add(capacity);
    instance.run(500);
  }
  instance.run(8_000);
  for (const { node } of instance.nodes) {
    const alive = node.members().filter((member) => member.state === 'alive').length;
    assert(alive === n, `${node.self().name} knows ${alive} of ${n}`);
  }
  return instance;
}

export const byStamp = (a: Hint, b: Hint): number => a.stamp - b.stamp || a.region.cpuBucket - b.region.cpuBucket;
export const firstOf = (instance: TestInstance): TestNode => instance.nodes[0] as TestNode;

export function placed(result: Result): Extract<Result, { kind: 'placed' }> {
  assert(result.ok && result.kind === 'placed', `not placed: ${JSON.stringify(result)}`);
  return result;
}

export function refused(result: Result): Extract<Result, { ok: false }> {
  assert(!result.ok, `not refused: ${JSON.stringify(result)}`);
  return result;
}
