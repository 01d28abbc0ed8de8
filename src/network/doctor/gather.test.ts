import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeChains } from '../../linux/nft.ts';
import { sumErrors } from './checksum-errors.ts';
import { ANSWER_BYTES, readFacts, readPort } from './messages.ts';
import { accepts, managersIn } from './read-host.ts';

const EXPECTED = { underlayIp: '10.0.0.1', underlayMtu: 1500, vxlanPort: 4789, devices: 'cvab12cd' };

describe('what nft prints', () => {
  const table = `table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
		counter packets 0 bytes 0 jump DOCKER-USER
	}
	chain DOCKER-USER {
		oifname "cvab12cd*" counter packets 0 bytes 0 accept
		iifname "cvab12cd*" counter packets 0 bytes 0 accept
	}
	chain INPUT {
		udp dport { 53, 4789 } accept
	}
}`;

  it('shows whether our devices are let through, in both directions', () => {
    expect(accepts(table, { hook: 'forward' }, EXPECTED)).toBe(true);
    expect(accepts(table, { hook: 'forward' }, { ...EXPECTED, devices: 'cv000000' })).toBe(false);
    expect(accepts(table.replace('iifname "cvab12cd*"', 'iifname "eth0"'), { hook: 'forward' }, EXPECTED)).toBe(false);
    expect(accepts(table.replaceAll(' accept', ' drop'), { hook: 'forward' }, EXPECTED)).toBe(false);
    expect(accepts(table, { hook: 'input' }, EXPECTED)).toBe(true);
    expect(accepts(table, { hook: 'input' }, { ...EXPECTED, vxlanPort: 478 })).toBe(false);
  });

  it('lists chains, and junk as none', () => {
    const chain = { family: 'inet', table: 't', name: 'f', handle: 1, type: 'filter', hook: 'forward', prio: 0, policy: 'drop' };
    const text = JSON.stringify({
      nftables: [{ metainfo: {} }, { chain }, { chain: { family: 'ip', table: 'u', name: 'c' } }, { chain: 3 }, null],
    });
    expect(decodeChains(text)).toEqual({
      base: [{ family: 'inet', table: 't', name: 'f', hook: 'forward', policy: 'drop' }],
      names: ['inet t f', 'ip u c'],
    });
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (junk) => {
        expect(decodeChains(junk).base).toEqual([]);
      }),
    );
  });

  it('shows who keeps rules', () => {
    expect(managersIn(['ip nat DOCKER', 'ip filter ufw-user-forward', 'inet firewalld filter_INPUT', 'ip nat KUBE-SERVICES'])).toEqual([
      'Docker',
      'ufw',
      'firewalld',
      'Kubernetes',
    ]);
    expect(managersIn(['ip filter FORWARD', 'inet mydocker c'])).toEqual([]);
  });
});

describe('checksum errors', () => {
  it('are summed over TCP and UDP', () => {
    const text = 'Tcp: A InCsumErrors B\nTcp: 1 2 3\nUdp: InCsumErrors\nUdp: 5\nUdpLite: InCsumErrors\nUdpLite: 100\n';
    expect(sumErrors(text)).toBe(7);
    expect(sumErrors('')).toBe(0);
  });
});

describe('a peer’s answers', () => {
  it('are read, or refused', () => {
    expect(readFacts('{"wallMs":5,"checksumErrors":0,"more":1}')).toEqual({ wallMs: 5, checksumErrors: 0 });
    for (const body of ['', 'null', '{}', '{"wallMs":-1,"checksumErrors":0}', '{"wallMs":"5","checksumErrors":0}']) {
      expect(() => readFacts(body)).toThrow('another version');
    }
    expect(() => readFacts(`{"wallMs":5,"checksumErrors":0}${' '.repeat(ANSWER_BYTES)}`)).toThrow('another version');
    expect([readPort('{"port":4711}'), readPort('{"port":0}'), readPort('{"port":65536}'), readPort('{}'), readPort('[')]).toEqual([
      4711,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
