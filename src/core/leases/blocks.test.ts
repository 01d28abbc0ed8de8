import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blockAt, formatCidr, holds, lastOf, overlaps, sizeOf } from '../../lib/ipv4.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import type { ContainerId, Lease } from '../model/index.ts';
import { blockPrefix, unfit, usableIn } from './addresses.ts';
import { findFree } from './free-space.ts';
import { reclaim, surplus } from './give-up.ts';
import { Holdings } from './holdings.ts';
import { A, B, cidr, lease, NET } from './lease-script.test-helper.ts';

const factsOf = (text: string) => ({ subnet: cidr(text), gateway: cidr(text).base + 1 });

test.each([
  ['10.0.0.0/8', 26],
  ['10.0.0.0/16', 26],
  ['10.0.0.0/20', 28],
  ['10.0.0.0/24', 29],
  ['10.0.0.0/28', 31],
  ['10.0.0.0/30', 32],
  ['10.0.0.0/31', 32],
])('a block of %s is a /%i', (subnet, prefix) => {
  expect(blockPrefix(cidr(subnet))).toBe(prefix);
});

test('some addresses of a network are no container’s', () => {
  const facts = factsOf('10.0.0.0/29');
  const addresses = Array.from({ length: 10 }, (_, i) => unfit(facts, facts.subnet.base - 1 + i));
  expect(addresses).toEqual([
    'outside',
    'network',
    'gateway',
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    'broadcast',
    'outside',
  ]);
  expect([usableIn(facts, facts.subnet), usableIn(facts, cidr('10.0.0.0/31')), usableIn(facts, cidr('10.0.0.6/31'))]).toEqual([5, 0, 1]);
});

describe('free space', () => {
  const free = (subnet: string, taken: readonly string[], split: boolean) => {
    const block = findFree(
      factsOf(subnet),
      taken.map((text) => lease('b', text)),
      split,
    );
    return block === undefined ? undefined : formatCidr(block);
  };

  test.each<[subnet: string, taken: string[], split: boolean, found: string | undefined]>([
    ['10.0.0.0/24', [], false, '10.0.0.0/29'],
    ['10.0.0.0/24', ['10.0.0.0/29', '10.0.0.16/29'], false, '10.0.0.8/29'],
    ['10.0.0.0/24', ['10.0.0.12/32'], false, '10.0.0.0/29'],
    ['10.0.0.0/28', ['10.0.0.0/29', '10.0.0.8/30'], true, '10.0.0.12/31'],
    ['10.0.0.0/28', ['10.0.0.0/29', '10.0.0.8/30', '10.0.0.12/32', '10.0.0.14/32'], false, undefined],
    ['10.0.0.0/28', ['10.0.0.0/29', '10.0.0.8/30', '10.0.0.12/32', '10.0.0.14/32'], true, '10.0.0.13/32'],
    // The network's address and the gateway's alone are of no use; neither is the broadcast address.
    ['10.0.0.0/28', ['10.0.0.2/31', '10.0.0.4/30', '10.0.0.8/29'], true, undefined],
    ['10.0.0.0/30', [], false, '10.0.0.2/32'],
    ['10.0.0.0/30', ['10.0.0.2/32'], true, undefined],
    ['10.0.0.0/8', ['10.0.0.0/9'], false, '10.128.0.0/26'],
  ])('of %s beside %j', (subnet, taken, split, found) => {
    expect(free(subnet, taken, split)).toBe(found);
  });

  test('is found where there is some, the largest first, and touches no lease', () => {
    const subnet = cidr('10.0.0.0/26');
    const facts = factsOf('10.0.0.0/26');
    const blocks = fc.record({ offset: fc.nat({ max: 63 }), prefix: fc.integer({ min: 28, max: 32 }) });
    fc.assert(
      fc.property(fc.array(blocks, { maxLength: 24 }), fc.boolean(), (drawn, split) => {
        const taken = drawn.map(({ offset, prefix }) => ({ block: blockAt(subnet.base + offset, prefix) }));
        const found = findFree(facts, taken, split);
        const isFree = (block: Cidr) => usableIn(facts, block) > 0 && taken.every((each) => !overlaps(each.block, block));
        const whole = blockPrefix(subnet);
        const lengths = split ? [whole, 31, 32].filter((prefix) => prefix >= whole) : [whole];
        const largest = lengths.find((prefix) => blocksOf(subnet, prefix).some(isFree));
        expect(found?.prefix).toBe(largest);
        if (found !== undefined) expect(isFree(found)).toBe(true);
      }),
    );
  });
});

describe('what is given up', () => {
  const holding = (subnet: string, leases: readonly Lease[], used: readonly number[]): Holdings => {
    const holdings = new Holdings(NET, A);
    holdings.seeCopy({ network: NET, facts: factsOf(subnet), leases, version: { epoch: 1, revision: 1 } });
    for (const [i, address] of used.entries()) holdings.use(`c${i}` as ContainerId, address);
    return holdings;
  };

  test('on reclaim is the largest idle part; all that is in use stays, and nothing else is touched', () => {
    const subnet = '10.0.0.0/24';
    const used = fc.uniqueArray(fc.nat({ max: 15 }), { maxLength: 16 });
    const ceded = fc.uniqueArray(fc.nat({ max: 15 }), { maxLength: 4 });
    fc.assert(
      fc.property(used, ceded, (usedOffsets, cededOffsets) => {
        const base = cidr('10.0.0.16/28').base;
        const singles = cededOffsets
          .filter((n) => !usedOffsets.includes(n))
          .map((n): Lease => ({ network: NET, node: B, block: { base: base + n, prefix: 32 } }));
        const leases = [lease('a', '10.0.0.16/29'), lease('a', '10.0.0.24/29'), ...singles];
        const holdings = holding(
          subnet,
          leases,
          usedOffsets.map((n) => base + n),
        );
        const giving = reclaim(holdings, leases);
        const isIdle = usedOffsets.length + singles.length < 16;
        expect('change' in giving).toBe(isIdle);
        if (!('change' in giving)) return;
        const { add, remove } = giving.change;
        expect(remove).toHaveLength(1);
        const after = [...leases.filter((each) => each !== remove[0]), ...add].filter(({ node }) => node === A);
        for (const address of holdings.inUse.values()) expect(after.some(({ block }) => holds(block, address))).toBe(true);
        // What remains lies within what was, overlaps nothing, and is less.
        for (const { block } of add)
          expect(remove.some((each) => holds(each.block, block.base) && lastOf(block) <= lastOf(each.block))).toBe(true);
        for (const one of add) for (const other of add) expect(one === other || !overlaps(one.block, other.block)).toBe(true);
        expect(sum(add)).toBeLessThan(sum(remove));
      }),
    );
  });

  test('of a wholly idle block is half; of the last address, that', () => {
    const give = (blocks: string[], used: readonly number[] = []) => {
      const leases = blocks.map((text) => lease('a', text));
      const giving = reclaim(holding('10.0.0.0/24', leases, used), leases);
      return 'change' in giving ? giving.change.add.map(({ block }) => formatCidr(block)) : giving.answer.kind;
    };
    expect(give(['10.0.0.8/29'])).toEqual(['10.0.0.8/30']);
    expect(give(['10.0.0.8/32'])).toEqual([]);
    expect(give(['10.0.0.0/30'])).toEqual([]);
    expect(give(['10.0.0.8/29'], [cidr('10.0.0.9/32').base, cidr('10.0.0.14/32').base])).toEqual(['10.0.0.8/31', '10.0.0.12/30']);
    expect(give(['10.0.0.8/32'], [cidr('10.0.0.8/32').base])).toBe('none');
    expect(give([])).toBe('none');
  });

  test('as surplus are idle leases, single ones in others’ blocks first; never the one to keep', () => {
    const leases = [lease('b', '10.0.0.8/29'), lease('a', '10.0.0.9/32'), lease('a', '10.0.0.16/29'), lease('a', '10.0.0.24/29')];
    const kept = (used: readonly number[], keepOne: boolean) =>
      surplus(holding('10.0.0.0/24', leases, used), keepOne).map(({ block }) => formatCidr(block));
    expect(kept([], false)).toEqual(['10.0.0.9/32', '10.0.0.16/29', '10.0.0.24/29']);
    expect(kept([], true)).toEqual(['10.0.0.9/32', '10.0.0.16/29']);
    const base = cidr('10.0.0.16/29').base;
    expect(kept([base], false)).toEqual(['10.0.0.9/32', '10.0.0.24/29']);
    expect(kept([base, base + 1, base + 2], false)).toEqual(['10.0.0.9/32']);
    expect(kept([base, cidr('10.0.0.9/32').base], false)).toEqual(['10.0.0.24/29']);
  });
});

function blocksOf(subnet: Cidr, prefix: number): Cidr[] {
  return Array.from({ length: 2 ** (prefix - subnet.prefix) }, (_, i) => ({ base: subnet.base + i * 2 ** (32 - prefix), prefix }));
}

const sum = (leases: readonly Lease[]): number => leases.reduce((total, { block }) => total + sizeOf(block), 0);
