import { expect, test } from 'vitest';
import type { Lease, NetworkId, NodeId } from '../../core/model/index.ts';
import { parseCidr } from '../../lib/ipv4.ts';
import { NODE_FAULTS } from './lease-faults.ts';
import { LeaseRules } from './lease-rules.ts';
import type { LeaseRule } from './lease-rules.ts';
import type { Sabotage } from './lease-world.ts';
import { simulateLeases } from './simulate-leases.ts';

const SEEDS = 200;

test(`seeds 1 to ${SEEDS} keep every rule`, () => {
  console.log(`seeds 1..${SEEDS}`);
  const outcomes = Array.from({ length: SEEDS }, (_, i) => simulateLeases(1 + i));
  expect(outcomes.filter(({ broken }) => broken.length > 0)).toEqual([]);

  // And they were worth it: all that can befall came up, and all answers did.
  const total = (what: string) => outcomes.reduce((sum, { counts }) => sum + (counts.get(what) ?? 0), 0);
  for (const what of [...NODE_FAULTS, 'death amid effects', 'late commit']) expect(total(what)).toBeGreaterThan(100);
  for (const code of ['exhausted', 'in-use', 'out-of-subnet', 'no-agreement', 'no-network'])
    expect(total(`refused ${code}`)).toBeGreaterThan(100);
  expect(total('granted')).toBeGreaterThan(20_000);
});

test('the same seed gives the same run', () => {
  expect(simulateLeases(7)).toEqual(simulateLeases(7));
});

test.each<[what: string, sabotage: Sabotage, rule: LeaseRule]>([
  ['changes are taken whatever the guard', { ignoresGuard: true }, 'only-the-owner-gives'],
  ['changes in doubt are forgotten by a crash', { forgetsKept: true }, 'owned-or-revoked'],
  ['a container keeps an address that was revoked', { deafToRenumber: true }, 'owned-or-revoked'],
  ['holders never give up what is idle', { neverReclaims: true }, 'refused-truly'],
  ['idle blocks are never looked for', { losesTimers: true }, 'returns-idle'],
])('a rule notices when %s', (_what, sabotage, rule) => {
  const isSeen = (seed: number) => simulateLeases(seed, sabotage).broken.some((each) => each.rule === rule);
  expect(Array.from({ length: 30 }, (_, i) => 1 + i).some(isSeen)).toBe(true);
});

const NETWORK = 'net' as NetworkId;
const A = 'a' as NodeId;
const B = 'b' as NodeId;
const lease = (node: NodeId, cidr: string): Lease => ({ network: NETWORK, node, block: parseCidr(cidr) ?? { base: 0, prefix: 0 } });

test.each<[what: string, author: NodeId | undefined, before: Lease[], after: Lease[], rules: LeaseRule[]]>([
  ['a block', A, [], [lease(A, '10.0.0.0/26')], []],
  ['a block over a block', A, [lease(B, '10.0.0.0/26')], [lease(B, '10.0.0.0/26'), lease(A, '10.0.0.0/27')], ['no-overlap']],
  ['a ceded address', B, [lease(B, '10.0.0.0/26')], [lease(B, '10.0.0.0/26'), lease(A, '10.0.0.5/32')], []],
  ['a taken address', A, [lease(B, '10.0.0.0/26')], [lease(B, '10.0.0.0/26'), lease(A, '10.0.0.5/32')], ['only-the-owner-gives']],
  ['a block around an address', A, [lease(B, '10.0.0.5/32')], [lease(B, '10.0.0.5/32'), lease(A, '10.0.0.0/26')], ['only-the-owner-gives']],
  ['a block shrunk by its owner', A, [lease(A, '10.0.0.0/26')], [lease(A, '10.0.0.0/27')], []],
  ['a block shrunk by another', B, [lease(A, '10.0.0.0/26')], [lease(A, '10.0.0.0/27')], ['only-the-owner-gives']],
  ['a revoked block', undefined, [lease(A, '10.0.0.0/26')], [], []],
])('the agreed leases after %s', (_what, author, before, after, expected) => {
  const rules = new LeaseRules(() => 0);
  rules.onCommit({ network: NETWORK, author, before, after });
  expect([...new Set(rules.broken.map(({ rule }) => rule))]).toEqual(expected);
});

test('rules about takes see a wrong refusal, a silence, and a wait in vain', () => {
  const world = { nowMs: 0 };
  const rules = new LeaseRules(() => world.nowMs);
  const take = { network: NETWORK, container: undefined, ip: undefined, atMs: 0, onAnswer: undefined };
  const node = { id: A, endpoints: new Map(), takes: new Map([[1, take]]), told: 0 } as never;
  const refusal = { code: 'no-network' } as const;
  const seen = () => rules.broken.splice(0).map(({ rule }) => rule);

  rules.truly(node, [], undefined as never, take, { canHave: true, hasOwn: false, words: '' }, refusal);
  expect(seen()).toEqual(['refused-truly']);
  rules.truly(node, [], undefined as never, take, { canHave: false, hasOwn: false, words: '' }, { address: 1 });
  expect(seen()).toEqual(['refused-truly']);
  rules.truly(node, [], undefined as never, take, { canHave: true, hasOwn: true, words: '' }, undefined);
  expect(seen()).toEqual(['answered']);
  rules.answered([node]);
  expect(seen()).toEqual([]);
  world.nowMs = 10_001;
  rules.answered([node]);
  expect(seen()).toEqual(['answered']);
  rules.truly(node, [], undefined as never, take, { canHave: true, hasOwn: true, words: '' }, { address: 1 });
  expect(seen()).toEqual(['at-once']);
});
