import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, type LabEndpoint, pings, pingsSoon } from './testing/lab.test-suite.ts';

describe('what somebody changes in the kernel', () => {
  let lab: Lab;
  let here: LabEndpoint;
  let there: LabEndpoint;
  const bridge = 'cv111111b000101';
  const tunnel = 'cv111111x000101';
  beforeAll(async () => {
    lab = await Lab.open({ mtus: [1500, 1500], networks: { 1: {} } });
    [here, there] = await Promise.all([lab.one(1, 1), lab.one(2, 1)]);
    if (!pings(here.netns, there.address)) throw new Error(`${there.address} is not reached before anything is harmed`);
  });
  afterAll(() => lab.close());

  const harms: Record<string, (words: { port: string }) => readonly string[]> = {
    'a route': () => ['ip', 'route', 'del', '10.1.2.0/26'],
    'a route, replaced': () => ['ip', 'route', 'replace', '10.1.2.0/26', 'via', '192.0.2.254'],
    'an FDB entry': () => ['bridge', 'fdb', 'del', '0a:ca:00:00:00:02', 'dev', tunnel],
    'an FDB entry, replaced': () => ['bridge', 'fdb', 'replace', '0a:ca:00:00:00:02', 'dev', tunnel, 'dst', '192.0.2.77'],
    'a neighbour': () => ['ip', 'neigh', 'del', '198.18.0.2', 'dev', tunnel],
    'a neighbour, replaced': () => [
      'ip',
      'neigh',
      'replace',
      '198.18.0.2',
      'lladdr',
      '0a:ca:00:00:00:77',
      'dev',
      tunnel,
      'nud',
      'permanent',
    ],
    'a bridge’s port': ({ port }) => ['ip', 'link', 'set', port, 'nomaster'],
    'a port, set down': ({ port }) => ['ip', 'link', 'set', port, 'down'],
    'a port, deleted': ({ port }) => ['ip', 'link', 'del', port],
    'an nftables rule': () => ['nft', 'flush', 'chain', 'bridge', 'caravela-111111111111', 'sender'],
    'an nftables element': () => ['nft', 'flush', 'set', 'bridge', 'caravela-111111111111', 'endpoints'],
    'an nftables rule, added': () => ['nft', 'insert', 'rule', 'ip', 'caravela-111111111111', 'forwarded', 'drop'],
    'all of nftables': () => ['nft', 'flush', 'ruleset'],
    'nftables, put to sleep': () => ['nft', 'add', 'table', 'ip', 'caravela-111111111111', '{ flags dormant; }'],
    'a bridge’s port, apart from others': ({ port }) => ['bridge', 'link', 'set', 'dev', port, 'isolated', 'on'],
    'a bridge’s port, deaf': ({ port }) => ['bridge', 'link', 'set', 'dev', port, 'learning', 'off', 'hairpin', 'off'],
    'an FDB entry, to another port': () => [
      'bridge',
      'fdb',
      'replace',
      '0a:ca:00:00:00:02',
      'dev',
      tunnel,
      'dst',
      '192.0.2.2',
      'port',
      '5000',
    ],
    forwarding: () => ['sysctl', '-w', 'net.ipv4.ip_forward=0'],
    'forwarding of one device': () => ['sysctl', '-w', `net.ipv4.conf.${bridge}.forwarding=0`],
    'a reverse path filter': () => ['sysctl', '-w', `net.ipv4.conf.${tunnel}.rp_filter=1`],
    'an IPv6 address, which nobody wants': () => ['sysctl', '-w', `net.ipv6.conf.${bridge}.disable_ipv6=0`],
    'proxy ARP': () => ['sysctl', '-w', `net.ipv4.conf.${bridge}.proxy_arp=0`],
    'the gateway’s address': () => ['ip', 'addr', 'flush', 'dev', bridge],
    'the inner address': () => ['ip', 'addr', 'del', '198.18.0.1/32', 'dev', tunnel],
    'the VXLAN device': () => ['ip', 'link', 'del', tunnel],
    'the VXLAN device, set down': () => ['ip', 'link', 'set', tunnel, 'down'],
    'the VXLAN device’s MAC': () => ['ip', 'link', 'set', tunnel, 'address', '0a:ca:00:00:00:99'],
    'the bridge': () => ['ip', 'link', 'del', bridge],
    'the bridge, set down': () => ['ip', 'link', 'set', bridge, 'down'],
  };

  // The kernel tells of an IPv6 address when it is sure that nobody else has it: that alone takes it up to two (RFC 4862, 5.4).
  const secondsFor = (what: string): number => (what.startsWith('an IPv6 address') ? 4 : 2);

  for (const [what, harm] of Object.entries(harms)) {
    it(`is set right within ${secondsFor(what)} seconds: ${what}`, async () => {
      const host = lab.host(1);
      const before = host.dump();
      const repairsBefore = (await lab.daemon(1).drift()).repairs;
      const port = /cv111111v[0-9a-f]{6}/.exec(before)?.[0] ?? '';
      host.must(harm({ port }));
      await expect.poll(() => host.dump(), { timeout: 1000 * secondsFor(what), interval: 50 }).toBe(before);
      expect(pingsSoon(here.netns, there.address)).toBe(true);
      expect(pingsSoon(there.netns, here.address)).toBe(true);
      await expect.poll(async () => (await lab.daemon(1).drift()).repairs, { timeout: 2000, interval: 50 }).toBeGreaterThan(repairsBefore);
      expect((await lab.daemon(1).drift()).failure).toBeUndefined();
    });
  }

  it('is set right, too, where a device of ours was given to another', async () => {
    const host = lab.host(1);
    host.must(['ip', 'link', 'add', 'other', 'type', 'bridge']);
    host.must(['ip', 'link', 'set', tunnel, 'master', 'other']);
    await expect.poll(() => host.must(['ip', '-o', 'link', 'show', tunnel]), { timeout: 2000, interval: 50 }).not.toContain('other');
    host.must(['ip', 'link', 'del', 'other']);
    expect(pingsSoon(here.netns, there.address)).toBe(true);
  });

  it('is told once, and then nothing is to be done', async () => {
    const before = (await lab.daemon(1).drift()).repairs;
    lab.host(1).must(['ip', 'route', 'del', '10.1.2.0/26']);
    await expect.poll(async () => (await lab.daemon(1).drift()).repairs).toBe(before + 1);
    // Long enough for news of the repair itself to be taken for a change.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { repairs, last } = await lab.daemon(1).drift();
    expect([repairs, last]).toEqual([before + 1, ['put-route 10.1.2.0/26']]);
  });
});
