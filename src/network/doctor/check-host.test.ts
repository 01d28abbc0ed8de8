import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAgreement, checkDrift, checkHost, checkNames } from './check-host.ts';
import type { ClosedChain, HostSeen } from './facts.ts';
import type { Finding } from './finding.ts';
import { parseStatistics } from './neighbour-table.ts';

const EXPECTED = { underlayIp: '10.0.0.1', underlayMtu: 1500, vxlanPort: 4789, devices: 'cvab12cd' };
const WELL: HostSeen = {
  ipForward: true,
  bridgeNetfilter: undefined,
  underlay: { device: 'eth0', mtu: 1500 },
  tunnels: [{ name: 'cvab12cdx000001', mtu: 1450, up: true }],
  strict: [],
  neighbours: { most: 1024, now: 12, endpoints: 3, refused: 0 },
  firewall: { closed: [], managers: [], legacy: false },
  firewallError: '',
};
const FORWARD: ClosedChain = {
  family: 'ip',
  table: 'filter',
  name: 'FORWARD',
  hook: 'forward',
  policy: 'drop',
  accepts: false,
  names: true,
};

const check = (changes: Partial<HostSeen>): readonly Finding[] => checkHost({ ...WELL, ...changes }, EXPECTED);
const wrong = (changes: Partial<HostSeen>): readonly Finding[] => check(changes).filter(({ state }) => state !== 'ok');
const behind = (chain: ClosedChain, managers: readonly string[] = []) => wrong({ firewall: { closed: [chain], managers, legacy: false } });

describe('checkHost', () => {
  it('finds nothing wrong where nothing is, and advises nothing', () => {
    expect(wrong({})).toEqual([]);
    expect(check({}).map(({ check: name }) => name)).toEqual([
      'forwarding',
      'firewall',
      'br_netfilter',
      'reverse path',
      'underlay',
      'vxlan devices',
      'neighbours',
    ]);
    expect(check({}).every(({ seen, advice }) => seen !== '' && advice === '')).toBe(true);
  });

  it('misses forwarding', () => {
    expect(wrong({ ipForward: false })).toMatchObject([
      { check: 'forwarding', state: 'problem', advice: expect.stringContaining('sysctl -w net.ipv4.ip_forward=1') },
    ]);
  });

  it('says how to open each kind of firewall', () => {
    expect(behind(FORWARD)).toMatchObject([
      { state: 'problem', advice: expect.stringContaining('iptables -I FORWARD -i cvab12cd+ -j ACCEPT') },
    ]);
    expect(behind(FORWARD, ['ufw'])).toMatchObject([{ advice: expect.stringContaining('ufw route allow in on cvab12cd+') }]);
    expect(behind({ ...FORWARD, family: 'inet', table: 'site', name: 'f' })).toMatchObject([
      { state: 'problem', advice: expect.stringContaining('nft insert rule inet site f iifname "cvab12cd*" accept') },
    ]);
    expect(behind({ ...FORWARD, name: 'INPUT', hook: 'input' })).toMatchObject([
      { state: 'warning', advice: expect.stringContaining('iptables -I INPUT -p udp --dport 4789 -j ACCEPT') },
    ]);
    expect(behind({ ...FORWARD, accepts: true }, ['Docker'])).toEqual([]);
    expect(behind({ ...FORWARD, table: 'firewalld', family: 'inet' }, ['firewalld'])).toMatchObject([
      { state: 'problem', advice: expect.stringContaining('firewall-cmd --permanent --zone=trusted --add-interface=cvab12cd+') },
    ]);
    const closedInput = { ...FORWARD, name: 'INPUT', hook: 'input', names: false };
    expect(behind(closedInput, ['ufw'])).toMatchObject([
      { state: 'warning', advice: expect.stringContaining('ufw allow 4789/udp') },
      { state: 'problem', advice: expect.stringContaining('ufw allow in on cvab12cd+ to any port 53') },
    ]);
    expect(behind({ ...closedInput, accepts: true })).toMatchObject([
      { state: 'problem', advice: expect.stringContaining('iptables -I INPUT -i cvab12cd+ -j ACCEPT') },
    ]);
    expect(wrong({ firewall: { closed: [], managers: [], legacy: true } })).toMatchObject([{ state: 'warning' }]);
    expect(wrong({ firewall: undefined, firewallError: 'nft can’t be run' })).toMatchObject([
      { state: 'problem', seen: 'nft can’t be run' },
    ]);
  });

  it('minds br_netfilter only where a firewall makes it matter', () => {
    const closed = { closed: [FORWARD], managers: [], legacy: false };
    expect(wrong({ bridgeNetfilter: true })).toEqual([]);
    expect(wrong({ bridgeNetfilter: false, firewall: closed }).map(({ check: name }) => name)).toEqual(['firewall']);
    expect(wrong({ bridgeNetfilter: true, firewall: closed }).map(({ check: name }) => name)).toEqual(['firewall', 'br_netfilter']);
  });

  it('knows devices whose filter is strict', () => {
    expect(wrong({ strict: ['cvab12cdb000001'] })).toMatchObject([
      { check: 'reverse path', seen: expect.stringContaining('cvab12cdb000001') },
    ]);
  });

  it('compares the underlay with what peers were told', () => {
    expect(wrong({ underlay: undefined })).toMatchObject([
      { check: 'underlay', state: 'problem', seen: expect.stringContaining('10.0.0.1') },
    ]);
    expect(wrong({ underlay: { device: 'eth0', mtu: 1400 } })).toMatchObject([
      { check: 'underlay', state: 'problem', seen: 'eth0 has an MTU of 1400, peers were told 1500: larger packets are lost' },
      { check: 'vxlan devices', state: 'problem', seen: expect.stringContaining('above 1350') },
    ]);
    expect(wrong({ underlay: { device: 'eth0', mtu: 9000 } })).toMatchObject([{ check: 'underlay', state: 'warning' }]);
  });

  it('misses VXLAN devices, and knows those that are down', () => {
    expect(wrong({ tunnels: [] })).toMatchObject([{ check: 'vxlan devices', state: 'problem', seen: 'this node has none' }]);
    expect(wrong({ tunnels: [{ name: 'x1', mtu: 1450, up: false }] })).toMatchObject([{ seen: 'x1 is down' }]);
  });
});

describe('the neighbour table', () => {
  const neighbours = { most: 1024, now: 12, endpoints: 3, refused: 0 };

  it('is told of where there is little room left, by what is in it or by what containers need', () => {
    const advice = expect.stringContaining('gc_thresh3=4096 net.ipv4.neigh.default.gc_thresh2=2048') as string;
    expect(wrong({ neighbours: { ...neighbours, now: 800 } })).toMatchObject([
      { check: 'neighbours', state: 'warning', seen: expect.stringMatching(/^800 of at most 1024 entries/), advice },
    ]);
    expect(wrong({ neighbours: { ...neighbours, endpoints: 400 } })).toMatchObject([{ state: 'warning', advice }]);
    expect(wrong({ neighbours: { ...neighbours, refused: 7 } })).toMatchObject([{ seen: expect.stringContaining('7 times') }]);
  });

  it('is not judged where it is not shown', () => {
    expect(wrong({ neighbours: undefined })).toEqual([]);
  });

  it('is read from what the kernel prints', () => {
    const text = `entries  allocs   destroys lookups  table_fulls
0000001f 00008095 000070f9 00023c2b 00000001
0000001f 00007c71 00008231 000234b2 0000000a
`;
    expect(parseStatistics(text)).toEqual({ entries: 31, refused: 11 });
    expect(parseStatistics(text.replace('table_fulls', 'other'))).toEqual({ entries: 31, refused: 0 });
    expect(parseStatistics('')).toBeUndefined();
    fc.assert(fc.property(fc.string(), (junk) => void parseStatistics(junk)));
  });
});

describe('checkNames', () => {
  it('says which gateways can’t be asked, and why', () => {
    expect(checkNames([], EXPECTED).state).toBe('ok');
    expect(checkNames(['port 53/udp of 10.0.0.1 is taken by dnsmasq (pid 7)'], EXPECTED)).toMatchObject({
      check: 'names',
      state: 'problem',
      seen: 'containers can’t ask for names: port 53/udp of 10.0.0.1 is taken by dnsmasq (pid 7)',
      advice: expect.stringContaining('except-interface=cvab12cd*'),
    });
  });
});

describe('checkDrift', () => {
  it('tells what was put right, not all of a lot of it', () => {
    expect(checkDrift({ repairs: 0, last: [], failure: undefined }).state).toBe('ok');
    const last = Array.from({ length: 10 }, (_, n) => `put-route 10.210.${n}.0/29`);
    expect(checkDrift({ repairs: 12, last, failure: undefined })).toMatchObject({
      state: 'warning',
      seen: expect.stringMatching(/^12 put right .*10\.210\.5\.0\/29 and 4 more$/),
    });
    expect(checkDrift({ repairs: 12, last, failure: 'add vxlan: EOPNOTSUPP' })).toMatchObject({
      state: 'problem',
      seen: expect.stringContaining('EOPNOTSUPP'),
    });
  });
});

describe('checkAgreement', () => {
  it('misses a quorum', () => {
    expect(checkAgreement({ quorum: true, words: '3 of 3 members answer' })).toMatchObject({ state: 'ok', seen: '3 of 3 members answer' });
    expect(checkAgreement({ quorum: false, words: '1 of 3 members answers' })).toMatchObject({
      state: 'problem',
      seen: 'no quorum: 1 of 3 members answers',
      advice: expect.stringContaining('agreement status'),
    });
  });
});
