import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockAt, type Cidr, formatIpv4, holds, parseCidr } from '../../../lib/ipv4.ts';
import { rangesOf } from './ranges.ts';

const cidr = (text: string): Cidr => parseCidr(text)!;
const told = (blocks: readonly { block: Cidr; value: string | undefined }[]) =>
  rangesOf(blocks).map(({ first, last, value }) => `${formatIpv4(first)}-${formatIpv4(last)} ${value}`);

describe('ranges of blocks', () => {
  it('cuts what is leased to another out of a block, and what is ours', () => {
    const blocks = [
      { block: cidr('10.0.0.0/26'), value: 'a' },
      { block: cidr('10.0.0.5/32'), value: 'b' },
      { block: cidr('10.0.0.8/29'), value: undefined },
      { block: cidr('10.0.0.64/26'), value: 'a' },
    ];
    expect(told(blocks)).toEqual([
      '10.0.0.0-10.0.0.4 a',
      '10.0.0.5-10.0.0.5 b',
      '10.0.0.6-10.0.0.7 a',
      '10.0.0.16-10.0.0.63 a',
      '10.0.0.64-10.0.0.127 a',
    ]);
  });

  it('takes the last of two that are the same, and nothing of none', () => {
    expect(
      told([
        { block: cidr('10.0.0.0/30'), value: 'a' },
        { block: cidr('10.0.0.0/30'), value: 'b' },
      ]),
    ).toEqual(['10.0.0.0-10.0.0.3 b']);
    expect(told([])).toEqual([]);
  });

  it('says of each address what the longest prefix says', () => {
    const blocks = fc.array(
      fc.record({
        block: fc
          .tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 26, max: 32 }))
          .map(([at, prefix]) => blockAt(0x0a00_0000 + at, prefix)),
        value: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(blocks, (drawn) => {
        const ranges = rangesOf(drawn);
        for (let address = 0x0a00_0000; address < 0x0a00_0040; address++) {
          const around = drawn.filter(({ block }) => holds(block, address));
          const longest = Math.max(...around.map(({ block }) => block.prefix));
          const wanted = around.findLast(({ block }) => block.prefix === longest)?.value;
          const found = ranges.filter(({ first, last }) => first <= address && address <= last);
          expect(found.map(({ value }) => value)).toEqual(wanted === undefined ? [] : [wanted]);
        }
      }),
    );
  });
});
