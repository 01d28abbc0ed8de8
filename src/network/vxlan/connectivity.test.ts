import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Cidr } from '../../lib/ipv4.ts';
import { cidr, ip } from '../contract.test-suite.ts';
import type { NetworkOnHost } from '../port.ts';
import { runIn } from './testing/hosts.test-suite.ts';
import { ask, askMeanwhile, Lab, type LabEndpoint, pings, portTo, pour, serve, sink } from './testing/lab.test-suite.ts';

/** Real kernels' worth of hosts: network namespaces on a switch, a daemon in each. */
describe('containers on several hosts', () => {
  let lab: Lab;
  const servers: (() => void)[] = [];
  beforeAll(async () => {
    lab = await Lab.open({ mtus: [1500, 1500, 9000], networks: { 1: {}, 2: {}, 3: { internal: true } } });
  });
  afterEach(() => {
    for (const stop of servers.splice(0)) stop();
  });
  afterAll(() => lab.close());

  const start = async (...options: Parameters<typeof serve>): Promise<void> => {
    servers.push(await serve(...options));
  };

  it('reach each other, on one host and on others, with their own addresses', async () => {
    const [a, b, c] = await Promise.all([lab.one(1, 1), lab.one(1, 1), lab.one(2, 1)]);
    expect(new Set([a.address, b.address, c.address]).size).toBe(3);
    expect(pings(a.netns, b.address)).toBe(true);
    expect(pings(a.netns, c.address)).toBe(true);
    expect(pings(c.netns, a.address)).toBe(true);
    await start(c.netns, 80);
    expect(ask(a.netns, c.address, 80)).toBe(a.address);
  });

  it('reach the gateway, and hosts reach them, on each network', async () => {
    for (const n of [1, 2, 3]) {
      const a = await lab.one(1, n);
      const b = await lab.one(2, n);
      expect(pings(a.netns, `10.${n}.0.1`)).toBe(true);
      expect(pings(lab.host(1).netns, a.address)).toBe(true);
      expect(pings(lab.host(1).netns, b.address)).toBe(true);
      await start(b.netns, 80);
      // Not the host's inner address: its gateway's, so that the answer finds back on any network.
      expect(ask(lab.host(1).netns, b.address, 80)).toBe(`10.${n}.0.1`);
    }
  });

  it('carry 1,400 bytes unfragmented over 1,500, more where the underlay has more, and are told where it has less', async () => {
    const [a, b, c, d] = await Promise.all([lab.one(1, 1), lab.one(2, 1), lab.one(3, 1), lab.one(3, 1)]);
    expect(pings(a.netns, b.address, '-M', 'do', '-s', '1400')).toBe(true);
    expect(pings(a.netns, b.address, '-M', 'do', '-s', '1422')).toBe(true);
    expect(pings(c.netns, d.address, '-M', 'do', '-s', '8900')).toBe(true);
    const tooLarge = runIn(c.netns, ['ping', '-c', '2', '-W', '1', '-n', '-M', 'do', '-s', '8900', a.address]).output;
    expect(tooLarge).toMatch(/Frag needed.*mtu = 1450/);
    // And then knows.
    expect(pings(c.netns, a.address, '-s', '8900')).toBe(true);
  });

  it('are sent no more than fits, though a router tells nobody what does', async () => {
    const there = await lab.one(3, 1);
    await lab.want({ 1: { ports: [portTo(there)] } });
    const { outside } = lab.hosts;
    const mute = 'table ip mute {\n chain c {\n type filter hook input priority 0;\n icmp type destination-unreachable drop\n }\n }\n';
    expect(runIn(outside, ['nft', '-f', '-'], mute).code).toBe(0);
    servers.push(await sink(there.netns, 80));
    // By a host of 1,500 bytes to a container of 8,950 there.
    expect(pour(outside, '192.0.2.1', 8080, 1_000_000)).toBe('1000000');
    runIn(outside, ['nft', 'delete', 'table', 'ip', 'mute']);
    await lab.want();
  });

  it('are apart on different networks, and from strangers', async () => {
    const [a, b, c] = await Promise.all([lab.one(1, 1), lab.one(1, 2), lab.one(2, 2)]);
    expect(pings(a.netns, b.address)).toBe(false);
    expect(pings(a.netns, c.address)).toBe(false);
    // Not by way of the gateway of a network that it isn't on.
    expect(pings(a.netns, '10.2.0.1')).toBe(false);
    runIn(lab.hosts.outside, ['ip', 'route', 'replace', '10.0.0.0/8', 'via', '192.0.2.1']);
    expect(pings(lab.hosts.outside, a.address)).toBe(false);
    expect(pings(lab.hosts.outside, c.address)).toBe(false);
  });

  it('go out as their host, unless their network is internal', async () => {
    const [a, b] = await Promise.all([lab.one(1, 1), lab.one(1, 3)]);
    await start(lab.hosts.outside, 9999);
    expect(ask(a.netns, '192.0.2.254', 9999)).toBe('192.0.2.1');
    runIn(b.netns, ['ip', 'route', 'add', 'default', 'via', '10.3.0.1']);
    expect(ask(b.netns, '192.0.2.254', 9999)).toBe('silence');
    await start(lab.host(1).netns, 9998);
    expect(ask(a.netns, '192.0.2.1', 9998)).toBe(a.address);
    expect(ask(b.netns, '192.0.2.1', 9998)).toBe('silence');
    await start(lab.host(1).netns, 53);
    expect(ask(b.netns, '10.3.0.1', 53)).toBe(b.address);
  });

  it('can use no address but their own', async () => {
    const [a, b] = await Promise.all([lab.one(1, 1), lab.one(1, 1)]);
    runIn(a.netns, ['ip', 'addr', 'add', '10.1.1.60/16', 'dev', 'eth0']);
    expect(pings(a.netns, b.address, '-I', '10.1.1.60')).toBe(false);
    // It asked for its neighbour's MAC by the wrong name, and would for seconds.
    runIn(a.netns, ['ip', 'neigh', 'flush', 'all']);
    expect(pings(a.netns, b.address)).toBe(true);
    runIn(a.netns, ['ip', 'link', 'set', 'eth0', 'address', '02:42:0a:01:01:3c']);
    expect(pings(a.netns, b.address)).toBe(false);
  });

  it('find an address at once where it went, though they knew where it was', async () => {
    const [a, b, c] = await Promise.all([lab.one(1, 1), lab.one(1, 1), lab.one(1, 1)]);
    for (const { address } of [b, c]) expect(pings(a.netns, address)).toBe(true);
    await lab.daemon(1).removeNamespace(b.endpoint.container);
    await lab.daemon(1).detach(c.endpoint.container, c.endpoint.network);
    const blocks = [b, c].map(({ address }) => cidr(`${address}/32`));
    const onFirst = (h: number, change: (network: NetworkOnHost) => NetworkOnHost) => ({
      networks: lab.state(h).networks.map((each, i) => (i === 0 ? change(each) : each)),
    });
    const more = <T extends { readonly blocks: readonly Cidr[] }>(of: T): T => ({ ...of, blocks: [...of.blocks, ...blocks] });
    await lab.want({
      1: onFirst(1, (each) => ({ ...each, peers: each.peers.map((peer) => (peer.number === 2 ? more(peer) : peer)) })),
      2: onFirst(2, more),
    });
    for (const { endpoint, address } of [b, c]) {
      const netns = await lab.daemon(2).makeNamespace(endpoint.container);
      await lab.daemon(2).attach(endpoint);
      expect(pings(a.netns, address)).toBe(true);
      expect(pings(netns, a.address)).toBe(true);
    }
    await lab.want();
  });

  it('get nothing that was sent to whoever had their address before', async () => {
    // The other one keeps the bridge's carrier.
    const [a] = await Promise.all([lab.one(1, 1), lab.one(1, 1)]);
    await lab.daemon(1).detach(a.endpoint.container, a.endpoint.network);
    await start(a.netns, 81, 'udp');
    // Its packet waits in the host for somebody to say that he has the address.
    const early = askMeanwhile(lab.host(1).netns, a.address, 81);
    await expect.poll(() => lab.host(1).must(['ip', 'neigh', 'show', a.address])).toContain('INCOMPLETE');
    await lab.daemon(1).attach(a.endpoint);
    expect(await early).toBe('silence');
    expect(ask(lab.host(1).netns, a.address, 81, 'udp')).toBe('10.1.0.1');
  });

  it('find nobody where there is nobody', async () => {
    const a = await lab.one(1, 1);
    expect(runIn(a.netns, ['ping', '-c', '1', '-W', '4', '-n', '10.1.9.9']).output).toContain('Destination Host Unreachable');
    expect(lab.host(1).must(['ip', 'neigh', 'show', '10.1.9.9'])).toBe('');
    expect(runIn(lab.host(1).netns, ['ping', '-c', '1', '-W', '1', '-n', '10.1.9.9']).output).toMatch(/unreachable|No route/i);
  });

  it('on two networks are reached on both', async () => {
    const [first, second] = (await lab.container(2, 1, 2)) as [LabEndpoint, LabEndpoint];
    const [a, b] = await Promise.all([lab.one(1, 1), lab.one(1, 2)]);
    expect(pings(a.netns, first.address)).toBe(true);
    expect(pings(b.netns, second.address)).toBe(true);
    expect(pings(lab.host(1).netns, second.address)).toBe(true);
    await lab.daemon(2).detach(second.endpoint.container, second.endpoint.network);
    expect(pings(b.netns, second.address)).toBe(false);
    expect(pings(a.netns, first.address)).toBe(true);
  });

  describe('with published ports', () => {
    let here: LabEndpoint;
    let there: LabEndpoint;
    let neighbour: LabEndpoint;
    beforeAll(async () => {
      [here, there, neighbour] = await Promise.all([lab.one(1, 1), lab.one(2, 1), lab.one(1, 2)]);
      await lab.want({
        1: {
          ports: [
            portTo(here),
            portTo(there, { hostPort: 8081 }),
            portTo(here, { hostPort: 8082, hostIp: ip('127.0.0.1') }),
            portTo(here, { hostPort: 8083, protocol: 'udp', containerPort: 81 }),
            portTo(here, { hostPort: 53, containerPort: 80 }),
          ],
        },
      });
    });

    it('lead to a container here from everywhere', async () => {
      await start(here.netns, 80);
      await start(here.netns, 81, 'udp');
      const { outside } = lab.hosts;
      expect(ask(outside, '192.0.2.1', 8080)).toBe('192.0.2.254');
      expect(ask(outside, '192.0.2.1', 8083, 'udp')).toBe('192.0.2.254');
      expect(ask(lab.host(2).netns, '192.0.2.1', 8080)).toBe('192.0.2.2');
      expect(ask(lab.host(1).netns, '192.0.2.1', 8080)).toBe('192.0.2.1');
      expect(ask(lab.host(1).netns, '127.0.0.1', 8080)).toBe('10.1.0.1');
      expect(ask(lab.host(1).netns, '127.0.0.1', 8083, 'udp')).toBe('10.1.0.1');
      // From itself, its neighbours, other networks, other hosts' containers.
      expect(ask(here.netns, '192.0.2.1', 8080)).toBe('10.1.0.1');
      expect(ask(here.netns, '10.1.0.1', 8080)).toBe('10.1.0.1');
      expect(ask(neighbour.netns, '192.0.2.1', 8080)).toBe(neighbour.address);
      expect(ask(there.netns, '192.0.2.1', 8080)).toBe('192.0.2.2');
    });

    it('lead to a container on another host from everywhere', async () => {
      await start(there.netns, 80);
      const { outside } = lab.hosts;
      const inTheNameOfItsHost = '10.1.0.1';
      for (const [from, address] of [
        [outside, '192.0.2.1'],
        [lab.host(1).netns, '192.0.2.1'],
        [lab.host(1).netns, '127.0.0.1'],
        [lab.host(2).netns, '192.0.2.1'],
        [here.netns, '192.0.2.1'],
        [neighbour.netns, '192.0.2.1'],
        [there.netns, '192.0.2.1'],
      ] as const) {
        expect([address, ask(from, address, 8081)]).toEqual([address, inTheNameOfItsHost]);
      }
    });

    it('at one address of the host only', async () => {
      await start(here.netns, 80);
      expect(ask(lab.host(1).netns, '127.0.0.1', 8082)).toBe('10.1.0.1');
      expect(ask(lab.hosts.outside, '192.0.2.1', 8082)).toBe('ECONNREFUSED');
    });

    it('open nothing else: the host’s own services stay its own, and names are asked for at the gateway', async () => {
      await start(here.netns, 80);
      await start(lab.host(1).netns, 9997);
      expect(ask(here.netns, '10.1.0.1', 53)).toBe('ECONNREFUSED');
      expect(ask(lab.hosts.outside, '192.0.2.1', 53)).toBe('192.0.2.254');
      runIn(here.netns, ['ip', 'route', 'replace', '127.0.0.0/8', 'via', '10.1.0.1', 'table', 'local']);
      runIn(here.netns, ['ip', 'route', 'del', 'local', '127.0.0.0/8', 'table', 'local']);
      runIn(here.netns, ['sysctl', '-w', 'net.ipv4.conf.eth0.route_localnet=1']);
      expect(ask(here.netns, '127.0.0.2', 9997)).toBe('silence');
    });
  });
});
