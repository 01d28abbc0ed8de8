import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { endpointOf, hostNetworksOf, networkOnHost } from '../contract.test-suite.ts';
import { containerId } from '../../core/model/index.ts';
import { Prng } from '../../lib/prng.ts';
import type { Attached } from '../port.ts';
import { TestHosts } from './testing/hosts.test-suite.ts';
import { Lab, type LabEndpoint, type LabOptions, pings, pingsSoon, portTo, serve, ask } from './testing/lab.test-suite.ts';
import { testSeed } from '../../../test/seed.ts';

describe('a host’s networks over time', () => {
  let lab: Lab | undefined;
  afterEach(async () => {
    await lab?.close();
    lab = undefined;
  });
  const open = async (options: LabOptions): Promise<Lab> => {
    lab = await Lab.open(options);
    return lab;
  };

  it('outlive the daemon, and the next one takes them over without a packet lost', async () => {
    const two = await open({ mtus: [1500, 1500], networks: { 1: {} } });
    const [a, b] = await Promise.all([two.one(1, 1), two.one(2, 1)]);
    const before = two.host(1).dump();
    // Ten a second until it is told to stop (SIGINT), then it tells how many came back.
    const ping = spawn('nsenter', [`--net=${b.netns}`, 'ping', '-n', '-i', '0.02', a.address], { stdio: ['ignore', 'pipe', 'inherit'] });
    let heard = '';
    ping.stdout.setEncoding('utf8').on('data', (text: string) => (heard += text));
    await two.daemon(1).kill();
    const next = await two.host(1).start();
    next.want(two.state(1));
    await next.settled();
    await next.recover(() => true, [a.endpoint]);
    await next.settled();
    expect(two.host(1).dump()).toBe(before);
    expect(await next.drift()).toEqual({ repairs: 0, last: [] });
    ping.kill('SIGINT');
    await once(ping, 'close');
    expect(heard).toMatch(/ 0% packet loss/);
    // It knows what it took over.
    await next.detach(a.endpoint.container, a.endpoint.network);
    expect(pings(b.netns, a.address)).toBe(false);
  });

  it('lose after a start what nobody knows any more, and get what is missing', async () => {
    const one = await open({ mtus: [1500], networks: { 1: {}, 2: {} } });
    const [first, second] = (await one.container(1, 1, 2)) as [LabEndpoint, LabEndpoint];
    const other = await one.one(1, 1);
    const port = /cv111111v[0-9a-f]{6}(?=.*network 0*2 )/.exec(one.host(1).dump())?.[0] ?? '';
    await one.daemon(1).kill();
    one.host(1).must(['ip', 'link', 'del', port]);
    const next = await one.host(1).start();
    next.want(one.state(1));
    await next.recover((id) => id === first.endpoint.container, [first.endpoint, second.endpoint]);
    await next.settled();
    expect(pings(one.host(1).netns, first.address)).toBe(true);
    expect(pings(one.host(1).netns, second.address)).toBe(true);
    expect(pings(one.host(1).netns, other.address)).toBe(false);
    expect(
      one
        .host(1)
        .must(['ip', '-o', 'link'])
        .match(/cv111111v/g),
    ).toHaveLength(2);
  });

  it('leave nothing behind', async () => {
    const two = await open({ mtus: [1500, 1500], networks: { 1: {}, 2: { internal: true } } });
    const [a] = await Promise.all([two.one(1, 1), two.one(1, 1), two.one(1, 2)]);
    await two.want({ 1: { ports: [portTo(a)] } });
    await two.daemon(1).removeAll();
    expect(two.host(1).dump()).toBe(two.before.get(1));
  });

  it('leave no setting changed, with what the kernel changes along with it, beside a firewall that forwards nothing', async () => {
    const hosts = new TestHosts([1500]);
    try {
      const host = hosts.host(1);
      host.must(['nft', '-f', '-'], 'table inet filter {\n chain input {\n type filter hook input priority 0; policy accept;\n }\n }\n');
      host.must(['sysctl', '-w', 'net.ipv4.ip_forward=0']);
      host.must(['sysctl', '-w', 'net.ipv4.conf.all.accept_redirects=0', 'net.ipv4.conf.eth0.forwarding=1']);
      const before = host.dump();
      let daemon = await host.start();
      daemon.want(hostNetworksOf([networkOnHost(1)]));
      await daemon.settled();
      expect(host.must(['cat', '/proc/sys/net/ipv4/ip_forward'])).toBe('1\n');
      // The next one finds it so, and knows that it was not.
      await daemon.kill();
      daemon = await host.start();
      daemon.want(hostNetworksOf([networkOnHost(1)]));
      await daemon.settled();
      await daemon.removeAll();
      expect(host.dump()).toBe(before);
    } finally {
      await hosts.close();
    }
  });

  it('leave, where one thing can’t be taken away, all others, and say so', async () => {
    const one = await open({ mtus: [1500], networks: { 1: {} } });
    await one.one(1, 1);
    const host = one.host(1);
    host.must(['iptables', '-N', 'DOCKER-USER']);
    host.must(['iptables', '-A', 'FORWARD', '-j', 'DOCKER-USER']);
    await expect.poll(() => host.must(['iptables', '-S', 'DOCKER-USER'])).toMatch(/-o cv111111\+/);
    await one.daemon(1).kill();
    const next = await host.start({ PATH: brokenIptables(host.runDir) });
    await expect(next.removeAll()).rejects.toThrow(/iptables/);
    expect(host.must(['ip', '-o', 'link'])).not.toContain('cv111111');
    expect(host.must(['nft', 'list', 'tables'])).not.toContain('caravela');
    expect(host.must(['ip', 'route', 'show', 'table', 'all'])).not.toContain('10.1.');
  });

  it('go, and come, in the moment in which somebody has flushed the rules', async () => {
    const one = await open({ mtus: [1500], networks: { 1: {} } });
    const host = one.host(1);
    for (let round = 0; round < 3; round += 1) {
      const [a, b] = await Promise.all([one.one(1, 1), one.one(1, 1)]);
      host.must(['nft', 'flush', 'ruleset']);
      const gone = [one.daemon(1).detach(a.endpoint.container, a.endpoint.network), one.daemon(1).removeNamespace(b.endpoint.container)];
      const come = one.one(1, 1);
      await Promise.all(gone);
      const c = await come;
      expect(pingsSoon(c.netns, '10.1.0.1')).toBe(true);
      expect(existsSync(b.netns)).toBe(false);
      await expect.poll(() => host.must(['ip', '-o', 'link']).match(/cv111111v/g)).toHaveLength(1);
      await one.daemon(1).removeNamespace(c.endpoint.container);
    }
  });

  it('come through a daemon’s being killed at any moment: of plugging in, and of leaving', async () => {
    const seed = testSeed();
    console.log(`seed ${seed}`);
    const random = new Prng(seed);
    const one = await open({ mtus: [1500], networks: { 1: {} } });
    const host = one.host(1);
    const container = containerId('c'.repeat(64));
    const endpoint = endpointOf(container, 1, 5);
    for (let round = 0; round < 6; round += 1) {
      // What becomes of them is seen below.
      void one
        .daemon(1)
        .makeNamespace(container)
        .then(() => one.daemon(1).attach(endpoint))
        .catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, random.int(12)));
      await one.daemon(1).kill();
      const next = await host.start();
      next.want(one.state(1));
      const netns = await next.makeNamespace(container);
      await next.recover((id) => id === container, [endpoint]);
      await next.settled();
      expect(pingsSoon(netns, '10.1.0.1')).toBe(true);
      expect(pingsSoon(netns, '127.0.0.1')).toBe(true);
      expect(host.must(['ip', '-o', 'link']).match(/cv111111v/g)).toHaveLength(1);
      await next.removeNamespace(container);
      await expect.poll(() => host.must(['ip', '-o', 'link'])).not.toContain('cv111111v');
    }
    for (let round = 0; round < 3; round += 1) {
      void one
        .daemon(1)
        .removeAll()
        .catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, random.int(60)));
      await one.daemon(1).kill();
      await host.start();
    }
    await one.daemon(1).removeAll();
    expect(host.dump()).toBe(one.before.get(1));
  });

  it('leave nothing of a network behind that the host has no part in any more', async () => {
    const two = await open({ mtus: [1500, 1500], networks: { 1: {} } });
    const before = two.host(1).dump();
    const first = two.state(1);
    const more = two.state(1, { networks: [...first.networks, ...twoMore(first.networks)] });
    two.daemon(1).want(more);
    await two.daemon(1).settled();
    expect(two.host(1).dump()).not.toBe(before);
    two.daemon(1).want(first);
    await two.daemon(1).settled();
    expect(two.host(1).dump()).toBe(before);
  });

  it('follow a peer, and the host itself, to another address', async () => {
    const two = await open({ mtus: [1500, 1500], networks: { 1: {} } });
    const [a, b] = await Promise.all([two.one(1, 1), two.one(2, 1)]);
    expect(pings(a.netns, b.address)).toBe(true);
    two.host(2).must(['ip', 'addr', 'flush', 'dev', 'eth0']);
    two.host(2).must(['ip', 'addr', 'add', '192.0.2.77/24', 'dev', 'eth0']);
    expect(pings(a.netns, b.address)).toBe(false);
    two.underlay.set(2, '192.0.2.77');
    await two.want();
    expect(pings(a.netns, b.address)).toBe(true);
    expect(pings(b.netns, a.address)).toBe(true);
  });

  it('follow blocks from host to host, a single address before the block around it', async () => {
    const two = await open({ mtus: [1500, 1500], networks: { 1: {} } });
    const [a, b] = await Promise.all([two.one(1, 1), two.one(2, 1)]);
    const state = two.state(1);
    // The second host's container gets an address out of the first's block.
    const moved: Attached = { ...b.endpoint, address: a.endpoint.address + 20, interfaceName: 'eth0' };
    await two.daemon(2).detach(b.endpoint.container, b.endpoint.network);
    const single = { base: moved.address, prefix: 32 };
    two.daemon(1).want({
      ...state,
      networks: state.networks.map((network) => ({
        ...network,
        peers: network.peers.map((peer) => ({ ...peer, blocks: [...peer.blocks, single] })),
      })),
    });
    const second = two.state(2);
    two.daemon(2).want({ ...second, networks: second.networks.map((network) => ({ ...network, blocks: [...network.blocks, single] })) });
    await two.daemon(2).attach(moved);
    await two.daemon(1).settled();
    const address = `10.1.1.${moved.address % 256}`;
    expect(pings(a.netns, address)).toBe(true);
    expect(pings(b.netns, a.address)).toBe(true);
  });

  it('change the size of packets with the underlay, on both ends', async () => {
    const one = await open({ mtus: [1500], networks: { 1: {} } });
    const [a, b] = await Promise.all([one.one(1, 1), one.one(1, 1)]);
    for (const mtu of [1400, 9000]) {
      await one.want({ 1: { self: { ...one.state(1).self, underlayMtu: mtu } } });
      const size = String(mtu - 50 - 28);
      expect(pings(a.netns, b.address, '-M', 'do', '-s', size)).toBe(true);
      expect(pings(a.netns, b.address, '-M', 'do', '-s', String(Number(size) + 1))).toBe(false);
    }
  });

  it('work beside Docker: what it drops, it is asked to let through', async () => {
    const two = await open({ mtus: [1500, 1500], networks: { 1: {} } });
    const [a, b, c] = await Promise.all([two.one(1, 1), two.one(2, 1), two.one(1, 1)]);
    const host = two.host(1);
    host.must(['sysctl', '-w', 'net.bridge.bridge-nf-call-iptables=1']);
    host.must(['iptables', '-N', 'DOCKER-USER']);
    host.must(['iptables', '-A', 'DOCKER-USER', '-j', 'RETURN']);
    host.must(['iptables', '-A', 'FORWARD', '-j', 'DOCKER-USER']);
    host.must(['iptables', '-P', 'FORWARD', 'DROP']);
    const others = (): string =>
      host
        .must(['iptables-save', '-t', 'filter'])
        .replace(/^#.*|\[.*|^-A DOCKER-USER.*cv111111.*$/gm, '')
        .replace(/\n+/g, '\n');
    const withoutUs = others();
    await expect.poll(() => host.must(['iptables', '-S', 'DOCKER-USER'])).toMatch(/-o cv111111\+/);
    expect(pingsSoon(a.netns, b.address)).toBe(true);
    expect(pingsSoon(a.netns, c.address)).toBe(true);
    expect(pingsSoon(a.netns, '192.0.2.254')).toBe(true);
    await two.want({ 1: { ports: [portTo(a)] } });
    const stop = await serve(a.netns, 80);
    expect(ask(two.hosts.outside, '192.0.2.1', 8080)).toBe('192.0.2.254');
    expect(ask(a.netns, '192.0.2.1', 8080)).toBe('10.1.0.1');
    stop();
    await two.daemon(1).removeAll();
    expect(others()).toBe(withoutUs);
    expect(host.must(['iptables-save'])).not.toContain('cv111111');
    // Docker forwards, and goes on.
    expect(host.must(['cat', '/proc/sys/net/ipv4/ip_forward'])).toBe('1\n');
  });
});

/** A PATH on which iptables(8) ends by a signal. */
function brokenIptables(dir: string): string {
  const file = join(dir, 'iptables');
  writeFileSync(file, '#!/bin/sh\nkill -9 $$\n', { mode: 0o755 });
  return `${dir}:${process.env['PATH'] ?? ''}`;
}

const twoMore = (networks: LabState): LabState =>
  networks.flatMap((network) =>
    [7, 8].map((n) => ({ ...network, id: network.id.replace(/1$/, String(n)) as typeof network.id, ...likeNetwork(n) })),
  );

type LabState = ReturnType<Lab['state']>['networks'];

function likeNetwork(n: number): Pick<LabState[number], 'name' | 'vni' | 'subnet' | 'gateway' | 'blocks' | 'peers' | 'isDefault'> {
  const base = (10 * 256 + n) * 65_536;
  return {
    name: `more-${n}`,
    vni: 0x700 + n,
    subnet: { base, prefix: 16 },
    gateway: base + 1,
    blocks: [{ base: base + 256, prefix: 26 }],
    peers: [{ number: 2, underlayIp: '192.0.2.2', underlayMtu: 1500, blocks: [{ base: base + 512, prefix: 26 }] }],
    isDefault: false,
  };
}
