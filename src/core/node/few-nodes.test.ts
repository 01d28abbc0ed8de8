/** More than 64 nodes, and requests whose filters few of them meet: these are asked, whatever the find would have met. */
import { beforeAll, describe, expect, test } from 'vitest';
import { assert } from '../../lib/assert.ts';
import { requestId } from '../model/index.ts';
import type { Constraint, NodeId, Request, Result, Stack } from '../model/index.ts';
import { TestInstance, room } from './test-instance.ts';
import type { TestNode } from './test-instance.ts';
import { placed, refused } from './test-words.ts';

const NODES = 70;
const WEST = [20, 41, 69];
const instance = new TestInstance(3);

/** Of many sizes, so that their offers are in many regions; three nodes are in the west, two are draining, every ninth is arm64. */
beforeAll(() => {
  for (let i = 0; i < NODES; i++) {
    const labels = { zone: WEST.includes(i) ? 'west' : 'east', ...(i % 2 === 0 && i >= 4 && { even: 'yes' }) };
    const arch = i % 9 === 0 ? 'arm64' : 'amd64';
    instance.add(room(2 ** (i % 5), 256 * 2 ** (i % 4)), { labels, arch, draining: i >= 60 && i < 62 });
    instance.run(20);
  }
  instance.run(8_000);
  for (const { node } of instance.nodes)
    assert(node.members().filter(({ state }) => state === 'alive').length === NODES, 'not all have met');
}, 120_000);

const at = (i: number): TestNode => instance.nodes[i] as TestNode;
const where = (key: string, value: string, operator: Constraint['operator'] = '==', soft = false): Pick<Request, 'constraints'> => ({
  constraints: [{ key, operator, value, soft }],
});
const run = (change: Partial<Request>, amount = room(0.1, 16), exclude: readonly NodeId[] = []): Result =>
  instance.ask(at(0), { kind: 'run', request: instance.request(amount, change), exclude });
const messageOf = (result: Result): string => refused(result).error.message;

/** How many of each kind were sent while it ran. */
function sentBy(act: () => void): (kind: 'ask' | 'find') => number {
  const before = new Map(instance.sent);
  act();
  const after = new Map(instance.sent);
  return (kind) => (after.get(kind) ?? 0) - (before.get(kind) ?? 0);
}

describe('single runs', () => {
  test('a pin finds its node, by name and by id, whatever its region', () => {
    const sent = sentBy(() => {
      for (const { record } of instance.nodes) {
        if (record.draining) continue;
        expect(placed(run(where('node', record.name), room(0.01, 4))).supplier).toBe(record.id);
        expect(placed(run(where('node', record.id), room(0.01, 4))).supplier).toBe(record.id);
      }
    });
    // Two are draining, and what it asks itself is not sent.
    expect([sent('ask'), sent('find')]).toEqual([2 * (NODES - 3), 0]);
  });

  test('a label that three nodes have: what these have free is the answer', () => {
    const west = WEST.map((i) => at(i).record.id);
    const places = [1, 2, 3].map(() => placed(run(where('zone', 'w*'), room(0.6, 64))).supplier);
    for (const place of places) expect(west).toContain(place);
    expect(messageOf(run(where('zone', 'west'), room(60, 64)))).toMatch(
      /^no node has 60 CPUs and 64 MiB free: of 3 nodes with zone==west 3 lack CPU \(best: node-70 with 1[0-9.]+ CPUs\)$/,
    );
    expect(messageOf(run(where('zone', 'west'), room(0.1, 16), west))).toBe(
      'no node can take it: of 3 nodes with zone==west 3 were excluded',
    );
    expect(placed(run(where('zone', 'west'), room(0.1, 16), west.slice(1))).supplier).toBe(west[0]);
    expect(at(0).node.resources().holds).toBe(0);
  });

  test('nobody is asked where nobody meets it, and the refusal comes at once', () => {
    const sent = sentBy(() => {
      const result = refused(run(where('node', 'foo')));
      expect(result.error).toEqual({
        code: 'no-room',
        message: 'no node can take it: none of 70 nodes meets node==foo',
        changed: false,
      });
      expect(result.placement?.tookMs).toBe(0);
      expect(messageOf(run({ ...where('zone', 'north'), arches: ['riscv64', 's390x'] }))).toBe(
        'no node can take it: none of 70 nodes meets zone==north and arch==riscv64 or s390x',
      );
      expect(messageOf(run({ arches: ['riscv64'], class: 'high' }))).toBe(
        'no node can take it: none of 70 nodes meets arch==riscv64 and class==high',
      );
    });
    expect([sent('ask'), sent('find')]).toEqual([0, 0]);
  });

  test('a wish that nobody meets is given up, one that a node meets is not', () => {
    expect(placed(run(where('zone', 'north', '==', true))).placement.givenUp).toEqual(['zone==~north']);
    const kept = placed(run(where('node', at(47).record.name, '==', true)));
    expect([kept.supplier, kept.placement.givenUp]).toEqual([at(47).record.id, undefined]);
  });

  test('a node that is draining says so', () => {
    expect(messageOf(run(where('node', at(61).record.name)))).toBe('no node can take it: of 1 node with node==node-62 1 is draining');
  });

  test('an affinity and a constraint that few meet: those that meet both', () => {
    placed(run({ name: 'db', ...where('node', at(41).record.name) }));
    instance.run(5_000);
    const near = (value: string) => ({
      affinities: [{ subject: 'container', key: '', operator: '==', value, soft: false }] as const,
      ...where('zone', 'west'),
    });
    expect(placed(run(near('db'))).supplier).toBe(at(41).record.id);
    expect(placed(run(near('d*'))).supplier).toBe(at(41).record.id);
    expect(messageOf(run(near('nobody')))).toBe('no node can take it: none of 70 nodes meets container==nobody and zone==west');
    expect(messageOf(run(near('nob*')))).toBe(
      'no node can take it: of 3 nodes with zone==west 3 do not meet the affinities (has no container nob*)',
    );
  });

  test('what many meet goes by the directory; before it is refused, all of them are asked, unless most meet it', () => {
    const sent = sentBy(() => {
      placed(run({ arches: ['amd64'] }));
      placed(run(where('even', 'yes')));
      placed(run(where('zone', 'west', '!=')));
    });
    expect(sent('ask')).toBe(0);
    const all = sentBy(() => {
      expect(messageOf(run(where('even', 'yes'), room(60, 64)))).toMatch(
        /^no node has 60 CPUs and 64 MiB free: of 33 nodes with even==yes 32 lack CPU \(best: node-[0-9]+ with 1[0-9.]+ CPUs\), 1 is draining$/,
      );
    });
    expect(all('ask')).toBe(33);
    expect(at(0).node.runs()).toEqual([]);
  });
});

describe('stacks and plans', () => {
  const stackOf = (parts: Stack['parts'], groups: Stack['groups'] = []): Stack => ({
    id: requestId(instance.random.hex(16)),
    groups,
    parts,
  });
  const part = (change: Partial<Request>, group?: string, amount = room(0.1, 16)): Stack['parts'][number] => ({
    request: instance.request(amount, change),
    group,
  });
  const placesOf = (result: Result): readonly NodeId[] => {
    assert(result.ok && (result.kind === 'stack-placed' || result.kind === 'planned'), `not placed: ${JSON.stringify(result)}`);
    return result.parts.map(({ supplier }) => supplier);
  };

  test('each part where it is asked for; those of a spread group on each of the few', () => {
    const groups = [{ name: 'apart', policy: 'spread' }] as const;
    const parts = [part(where('node', 'node-40')), ...WEST.map(() => part(where('zone', 'west'), 'apart'))];
    const places = placesOf(instance.ask(at(5), { kind: 'run-stack', stack: stackOf(parts, groups), exclude: [] }));
    expect(places[0]).toBe(at(39).record.id);
    expect(new Set(places.slice(1))).toEqual(new Set(WEST.map((i) => at(i).record.id)));
    const four = stackOf(
      [0, 1, 2, 3].map(() => part(where('zone', 'west'), 'apart')),
      groups,
    );
    expect(messageOf(instance.ask(at(5), { kind: 'run-stack', stack: four, exclude: [] }))).toContain(
      'of 3 nodes with zone==west 3 were excluded (has another part of the group)',
    );
    const foo = stackOf([part({}), part(where('node', 'foo')), part({})]);
    expect(messageOf(instance.ask(at(5), { kind: 'run-stack', stack: foo, exclude: [] }))).toContain('none of 70 nodes meets node==foo');
    instance.run(1_000);
    for (const { node } of instance.nodes) expect([node.runs(), node.resources().holds]).toEqual([[], 0]);
  });

  test('a plan says the same, and counts what it takes itself', () => {
    const ask = (stack: Stack): Result => instance.ask(at(9), { kind: 'plan', stack, exclude: [] });
    const free = at(69).node.resources().free.cpuMillicores;
    const half = { cpuMillicores: Math.floor(free / 2), memoryBytes: 1 };
    const pinned = (n: number): Stack => stackOf(Array.from({ length: n }, () => part(where('node', 'node-70'), undefined, half)));
    expect(placesOf(ask(pinned(2)))).toEqual([at(69).record.id, at(69).record.id]);
    expect(messageOf(ask(pinned(3)))).toContain('of 1 node with node==node-70 1 lacks CPU (best: node-70 with');
    expect(messageOf(ask(stackOf([part(where('node', 'foo'))])))).toBe('no node can take it: none of 70 nodes meets node==foo');
    expect(messageOf(ask(stackOf([part(where('even', 'yes'), undefined, room(60, 64))])))).toContain('of 33 nodes with even==yes');
  });
});

test('a minority too large to ask all of: 64 of them are asked before the refusal', () => {
  const many = new TestInstance(4);
  const labels = { even: 'yes' };
  for (let i = 0; i < 134; i++) {
    many.add(room(1, 256), i % 2 === 0 && i > 0 ? { labels } : {});
  }
  const buyer = many.nodes.at(-1) as TestNode;
  while (many.nodes.some(({ node }) => node.member(buyer.record.id) === undefined)) many.run(100);
  const ask = (kind: 'run' | 'plan'): string => {
    const request = many.request(room(60, 64), where('even', 'yes'));
    const stack: Stack = { id: requestId(many.random.hex(16)), groups: [], parts: [{ request, group: undefined }] };
    many.sent.clear();
    return messageOf(many.ask(buyer, kind === 'run' ? { kind, request, exclude: [] } : { kind, stack, exclude: [] }));
  };
  for (const kind of ['run', 'plan'] as const) {
    expect(ask(kind)).toMatch(
      /^no offer of 60 CPUs and 64 MiB was found among 66 nodes with even==yes \(of those that refused 64 lack CPU \(best: node-[0-9]+ with 1 CPU\)\); try again/,
    );
    expect(many.sent.get('ask')).toBe(64);
  }
  expect(buyer.node.runs()).toEqual([]);
});
