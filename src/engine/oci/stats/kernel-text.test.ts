import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blkio, count, counts, ioStat, netDev, systemTime } from './kernel-text.ts';

describe('what the kernel counts', () => {
  it('is a number, or has no bound', () => {
    expect(count('4096\n')).toBe(4096);
    expect(count('max\n')).toBeUndefined();
    expect(count('')).toBeUndefined();
  });

  it('is one a line', () => {
    expect(counts('usage_usec 12\nnr_periods 3\n\nodd line here\n')).toEqual({ usage_usec: 12, nr_periods: 3 });
    expect(Object.keys(counts('__proto__ 1\ncache 2'))).toEqual(['__proto__', 'cache']);
  });

  it('is time by CPU, guests counted once', () => {
    const text = 'cpu  10 20 30 40 50 60 70 80 90 100\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu1 9 18 27 36 45 54 63 72 81 90\nintr 5\n';
    expect(systemTime(text)).toEqual({ systemNs: 360 * 1e7, onlineCpus: 2 });
  });

  it('is bytes by device, on v2 and on v1', () => {
    const device = { major: 8, minor: 16, readBytes: 1, writtenBytes: 2, reads: 3, writes: 4 };
    expect(ioStat('8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n253:0 \n')).toEqual([
      device,
      { major: 253, minor: 0, readBytes: 0, writtenBytes: 0, reads: 0, writes: 0 },
    ]);
    const bytes = '8:16 Read 1\n8:16 Write 2\n8:16 Sync 3\n8:16 Total 3\nTotal 3\n';
    expect(blkio(bytes, '8:16 Read 3\n8:16 Write 4\nTotal 7\n')).toEqual([device]);
  });

  it('is bytes by interface, the loopback left out', () => {
    const text = [
      'Inter-|   Receive                                                |  Transmit',
      ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
      '    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0',
      '  eth0:12345 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20',
    ].join('\n');
    expect(netDev(text)).toEqual({
      eth0: { rxBytes: 12345, rxPackets: 6, rxErrors: 7, rxDropped: 8, txBytes: 13, txPackets: 14, txErrors: 15, txDropped: 16 },
    });
  });

  it('is never anything else than numbers, whatever the text', () => {
    const line = fc.oneof(
      fc.string(),
      fc.stringMatching(/^(cpu\d*|lo|eth\d|\d+:\d+)[: ]+([0-9a-z= ]*)$/),
      fc
        .tuple(fc.nat(300), fc.nat(300), fc.constantFrom('Read', 'Write', 'Total'), fc.bigInt(0n, 2n ** 70n))
        .map(([a, b, c, d]) => `${a}:${b} ${c} ${d}`),
    );
    fc.assert(
      fc.property(fc.array(line), fc.array(line), (first, second) => {
        const [a, b] = [first.join('\n'), second.join('\n')];
        const all = [count(a) ?? 0, counts(a), systemTime(a), ioStat(a), blkio(a, b), netDev(a)];
        expect(numbersIn(all).every((each) => Number.isFinite(each) && each >= 0)).toBe(true);
      }),
    );
  });
});

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}
