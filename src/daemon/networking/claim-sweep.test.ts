import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { containerId, type Member, type NodeId, nodeId } from '../../core/model/index.ts';
import { ClaimSweep } from './claim-sweep.ts';

const SELF = nodeId('1'.repeat(32));
const ALIVE = nodeId('2'.repeat(32));
const DEAD = nodeId('3'.repeat(32));
const LEFT = nodeId('4'.repeat(32));
const id = (digit: string) => containerId(digit.repeat(64));

it('gives ports back only where it is certain that their container is gone', async () => {
  const released: string[] = [];
  const removed: NodeId[] = [];
  const states = { [ALIVE]: 'alive', [DEAD]: 'dead', [LEFT]: 'left' } as Record<string, string>;
  const claims = [
    { container: id('a'), node: undefined },
    { container: id('b'), node: SELF },
    { container: id('c'), node: SELF },
    { container: id('d'), node: ALIVE },
    { container: id('e'), node: ALIVE },
    { container: id('f'), node: DEAD },
    { container: id('0'), node: LEFT },
  ];
  const sweep = new ClaimSweep({
    claims: { olderThan: () => claims.filter(({ container }) => !released.includes(container.slice(0, 1))) },
    removed: () => removed,
    node: {
      self: () => ({ id: SELF }) as Member,
      member: (at) => (at in states ? ({ state: states[at] } as Member) : undefined),
      container: (each) => (each === id('b') ? ({} as never) : undefined),
    },
    request: async (_peer, { path }) => ({ status: path.endsWith(id('d')) ? 404 : 204, headers: {}, body: Readable.from([]) }),
    release: (container) => released.push(container.slice(0, 1)),
    log: () => undefined,
  });
  await sweep.sweep();
  expect(released).toEqual(['0', 'a', 'c', 'd']);
  // At once, of one that is shut out.
  removed.push(DEAD);
  sweep.forgetRemoved();
  expect(released).toEqual(['0', 'a', 'c', 'd', 'f']);
});
