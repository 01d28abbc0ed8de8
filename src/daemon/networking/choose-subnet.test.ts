import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockAt, formatCidr, overlaps, parseCidr } from '../../lib/ipv4.ts';
import { chooseSubnet } from './choose-subnet.ts';

const cidr = (text: string) => parseCidr(text) ?? expect.fail(`${text} is no block`);

describe('chooseSubnet', () => {
  it('begins after the default network', () => {
    expect(formatCidr(chooseSubnet([cidr('10.210.0.0/16')]) ?? cidr('0.0.0.0/0'))).toBe('10.211.0.0/16');
  });

  it('goes on to what is smaller, and gives up where everything is taken', () => {
    const chosen = chooseSubnet([cidr('10.192.0.0/11'), cidr('10.224.0.0/12'), cidr('172.16.0.0/12')]);
    expect(chosen === undefined ? '' : formatCidr(chosen)).toBe('10.240.0.0/20');
    expect(chooseSubnet([cidr('0.0.0.0/0')])).toBeUndefined();
  });

  it('never overlaps what is taken', () => {
    const block = fc.tuple(fc.nat({ max: 0xffff_ffff }), fc.integer({ min: 8, max: 32 })).map(([at, prefix]) => blockAt(at, prefix));
    fc.assert(
      fc.property(fc.array(block, { maxLength: 50 }), (taken) => {
        const chosen = chooseSubnet(taken);
        return chosen === undefined || taken.every((other) => !overlaps(other, chosen));
      }),
    );
  });
});
