import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeChains } from '../../linux/nft.ts';
import { closedChain } from './closed-chains.ts';
import { sumErrors } from './checksum-errors.ts';
import { ANSWER_BYTES, readFacts, readPort } from './messages.ts';
import { managersIn } from './read-host.ts';

const EXPECTED = { underlayIp: '10.0.0.1', underlayMtu: 1500, vxlanPort: 4789, devices: 'cvab12cd' };

describe('what nft prints', () => {
  const FORWARD = { family: 'ip', table: 'filter', name: 'FORWARD', hook: 'forward', policy: 'drop' };
  const INPUT = { ...FORWARD, name: 'INPUT', hook: 'input' };
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
    expect(closedChain(FORWARD, table, EXPECTED)).toMatchObject({ accepts: true });
    expect(closedChain(FORWARD, table, { ...EXPECTED, devices: 'cv000000' })).toMatchObject({ accepts: false });
    expect(closedChain(FORWARD, table.replace('iifname "cvab12cd*"', 'iifname "eth0"'), EXPECTED)).toMatchObject({ accepts: false });
    expect(closedChain(FORWARD, table.replaceAll(' accept', ' drop'), EXPECTED)).toMatchObject({ accepts: false });
    expect(closedChain(INPUT, table, EXPECTED)).toMatchObject({ accepts: true, names: true });
    expect(closedChain(INPUT, table.replace('53, ', ''), { ...EXPECTED, devices: 'cv000000' })).toMatchObject({
      accepts: true,
      names: false,
    });
    expect(closedChain(INPUT, table, { ...EXPECTED, vxlanPort: 478 })).toMatchObject({ accepts: false });
  });

  it('shows chains that are closed by their last rule, as firewalld’s and those of iptables by hand', () => {
    const open = { ...INPUT, policy: 'accept' };
    expect(closedChain(open, table, EXPECTED)).toBeUndefined();
    const byHand = `table ip filter {
	chain INPUT {
		type filter hook input priority filter; policy accept;
		ct state { established, related } counter packets 5 bytes 300 accept
		tcp dport 22 accept
		counter packets 1 bytes 60 reject with icmp host-prohibited
	}
}`;
    expect(closedChain(open, byHand, EXPECTED)).toMatchObject({ accepts: false, names: false });
    expect(closedChain(open, byHand.replace('counter packets 1 bytes 60 reject', 'tcp dport 25 reject'), EXPECTED)).toBeUndefined();
    const firewalld = `table inet firewalld {
	chain filter_INPUT {
		type filter hook input priority filter + 10; policy accept;
		jump filter_INPUT_ZONES
		ct state { invalid } drop
		reject with icmpx admin-prohibited
	}
	chain filter_FORWARD {
		type filter hook forward priority filter + 10; policy accept;
		ct status dnat accept
		jump filter_FORWARD_ZONES
		reject with icmpx admin-prohibited
	}
	chain filter_INPUT_ZONES {
		iifname "cvab12cd*" goto filter_IN_trusted
		goto filter_IN_public
	}
	chain filter_FORWARD_ZONES {
		iifname "cvab12cd*" goto filter_IN_trusted
	}
	chain filter_IN_trusted {
		jump filter_IN_trusted_pre
		accept
	}
	chain filter_IN_trusted_pre {
	}
	chain filter_IN_public {
		udp dport 4789 accept
	}
}`;
    const ofFirewalld = { ...open, family: 'inet', table: 'firewalld' };
    expect(closedChain({ ...ofFirewalld, name: 'filter_INPUT' }, firewalld, EXPECTED)).toMatchObject({ accepts: true, names: true });
    const forward = { ...ofFirewalld, name: 'filter_FORWARD', hook: 'forward' };
    expect(closedChain(forward, firewalld, EXPECTED)).toMatchObject({ accepts: true });
    const others = firewalld.replaceAll('cvab12cd*', 'eth0');
    expect(closedChain({ ...ofFirewalld, name: 'filter_INPUT' }, others, EXPECTED)).toMatchObject({ accepts: true, names: false });
    expect(closedChain(forward, others, EXPECTED)).toMatchObject({ accepts: false });
  });

  it('takes whatever nft may print', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.array(fc.constantFrom('chain a {', 'jump a', 'goto b', 'chain b {', '}', 'drop', 'iifname "cvab12cd*" jump a')),
        (junk, lines) => {
          for (const text of [junk, lines.join('\n')]) closedChain({ ...FORWARD, name: 'a', policy: 'accept' }, text, EXPECTED);
        },
      ),
    );
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
