import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, type LabEndpoint, pings, pingsSoon } from './testing/lab.test-suite.ts';

const TABLE = 'caravela-111111111111';
/** Another's firewall that lets nothing be forwarded: what passes all the same goes by a shortcut. */
const CLOSED = 'table ip closed {\n chain forward {\n  type filter hook forward priority -400; policy drop;\n }\n}\n';

describe('shortcuts between hosts', () => {
  let lab: Lab;
  let here: LabEndpoint;
  let there: LabEndpoint;
  let small: LabEndpoint;
  let other: LabEndpoint;
  beforeAll(async () => {
    lab = await Lab.open({ mtus: [1500, 1500, 1400], networks: { 1: { isDefault: true }, 2: {} } });
    here = await lab.one(1, 1);
    there = await lab.one(2, 1);
    small = await lab.one(3, 1);
    other = await lab.one(2, 2);
    for (const number of [1, 2, 3]) lab.host(number).must(['nft', '-f', '-'], CLOSED);
  });
  afterAll(() => lab.close());

  const chains = (number: number): string =>
    lab.host(number).run(['nft', 'list', 'table', 'netdev', `caravela-${String(number).repeat(12)}`]).output;

  it('lead past what the kernel asks of what it forwards, there and back', () => {
    expect(pings(here.netns, there.address)).toBe(true);
    expect(pings(there.netns, here.address)).toBe(true);
  });

  it('end a packet’s life where the long way would: a hop at each host', () => {
    expect(pings(here.netns, there.address, '-t', '2')).toBe(false);
    expect(pings(here.netns, there.address, '-t', '3')).toBe(true);
  });

  it('do not lead where a packet may be too large, nor into another network', () => {
    expect(pings(here.netns, small.address)).toBe(false);
    expect(pings(here.netns, other.address)).toBe(false);
    for (const number of [1, 2, 3]) lab.host(number).must(['nft', 'delete', 'table', 'ip', 'closed']);
    expect(pingsSoon(here.netns, small.address)).toBe(true);
    expect(pings(here.netns, other.address)).toBe(false);
    expect(pings(here.netns, '10.1.0.1')).toBe(true);
  });

  it('take nobody’s word for who sends', () => {
    expect(chains(1)).toContain(`ip saddr ${here.address}`);
    lab.host(1).must(['nft', 'flush', 'set', 'bridge', TABLE, 'endpoints']);
    expect(pings(here.netns, there.address)).toBe(true);
  });

  it('follow leases at once', async () => {
    expect(chains(1)).toContain('10.1.2.0/26 : 198.18.0.2');
    const { networks } = lab.state(1);
    const moved = networks.map((network) => ({
      ...network,
      peers: network.peers.map((peer) => (peer.number === 2 ? { ...peer, blocks: [] } : peer)),
    }));
    await lab.want({ 1: { networks: moved } });
    await expect.poll(() => chains(1), { timeout: 2000, interval: 50 }).not.toContain('198.18.0.2');
    expect(pings(here.netns, there.address)).toBe(false);
    await lab.want();
    await expect.poll(() => chains(1), { timeout: 2000, interval: 50 }).toContain('198.18.0.2');
    expect(pings(here.netns, there.address)).toBe(true);
  });

  it('are made again when somebody takes them away, or the tunnel', async () => {
    const before = chains(1);
    const repairsBefore = (await lab.daemon(1).drift()).repairs;
    lab.host(1).must(['nft', 'flush', 'table', 'netdev', TABLE]);
    await expect.poll(() => chains(1), { timeout: 2000, interval: 50 }).toBe(before);
    expect((await lab.daemon(1).drift()).repairs).toBeGreaterThan(repairsBefore);
    lab.host(1).must(['ip', 'link', 'del', 'cv111111x000101']);
    await expect.poll(() => pings(here.netns, there.address), { timeout: 2000, interval: 50 }).toBe(true);
    await lab.daemon(1).shortened();
    lab.host(1).must(['nft', '-f', '-'], CLOSED);
    expect(pingsSoon(here.netns, there.address)).toBe(true);
    lab.host(1).must(['nft', 'delete', 'table', 'ip', 'closed']);
  });

  it('are taken over by the next daemon, and go with the last container', async () => {
    await lab.daemon(1).kill();
    const daemon = await lab.host(1).start();
    daemon.want(lab.state(1));
    await daemon.recover(() => true, [here.endpoint]);
    await daemon.shortened();
    expect(chains(1)).toContain(here.address);
    await daemon.detach(here.endpoint.container, here.endpoint.network);
    await daemon.shortened();
    expect(chains(1)).toContain('No such file or directory');
  });
});
