import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockAt, formatCidr, formatIpv4, halves, holds, lastOf, overlaps, parseCidr, parseIpv4, sizeOf } from './ipv4.ts';

const address = fc.nat({ max: 0xffff_ffff });
const block = fc.tuple(address, fc.nat({ max: 32 })).map(([at, prefix]) => blockAt(at, prefix));

describe('ipv4', () => {
  it('reads what it writes', () => {
    fc.assert(fc.property(address, (a) => parseIpv4(formatIpv4(a)) === a));
    fc.assert(fc.property(block, (b) => formatCidr(parseCidr(formatCidr(b)) ?? b) === formatCidr(b)));
  });

  it.each(['', '1.2.3', '1.2.3.4.5', '01.2.3.4', '256.1.1.1', '1.2.3.-4', '1.2.3.4 ', 'a.b.c.d'])('refuses %j', (text) => {
    expect(parseIpv4(text)).toBeUndefined();
  });

  it.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '10.0.0.0/8/8'])('refuses %j as a block', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  it('clears host bits', () => {
    expect(formatCidr(parseCidr('10.1.2.3/16') ?? blockAt(0, 0))).toBe('10.1.0.0/16');
  });

  it('splits a block into halves that cover it and do not overlap', () => {
    fc.assert(
      fc.property(block, (b) => {
        const both = halves(b);
        if (both === undefined) return b.prefix === 32;
        const [low, high] = both;
        return low.base === b.base && lastOf(low) + 1 === high.base && lastOf(high) === lastOf(b) && !overlaps(low, high);
      }),
    );
  });

  it('knows what is inside', () => {
    fc.assert(fc.property(block, address, (b, a) => holds(b, a) === (a >= b.base && a < b.base + sizeOf(b))));
  });
});
