import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerId } from '../../core/model/index.ts';
import { endpointOf, hostNetworksOf, networkOnHost } from '../contract.test-suite.ts';
import { pings, pingsSoon } from './testing/lab.test-suite.ts';
import { TestHosts } from './testing/hosts.test-suite.ts';

describe('a network that the kernel refuses', () => {
  let hosts: TestHosts;
  beforeEach(() => {
    hosts = new TestHosts([1500]);
  });
  afterEach(() => hosts.close());

  it('keeps no container off the others, and comes up when what is in its way has gone', async () => {
    const host = hosts.host(1);
    const [whole, broken] = [networkOnHost(1), networkOnHost(2)];
    host.must(['ip', 'link', 'add', 'foreign', 'type', 'vxlan', 'id', String(broken.vni), 'dstport', '4789', 'local', '192.0.2.1']);
    const daemon = await host.start();
    daemon.want(hostNetworksOf([broken, whole]));
    await expect(daemon.settled()).rejects.toThrow(/vxlan|EEXIST/i);
    await expect(daemon.settled([whole.id, broken.id])).rejects.toThrow(/vxlan|EEXIST/i);
    await daemon.settled([whole.id]);
    await daemon.settled([]);
    const container = containerId('c'.repeat(64));
    const netns = await daemon.makeNamespace(container);
    await daemon.attach(endpointOf(container, 1, 2));
    expect(pingsSoon(netns, '10.1.0.1')).toBe(true);
    // Also settings are as they must be.
    expect(host.must(['cat', '/proc/sys/net/ipv4/conf/cv111111b000101/proxy_arp'])).toBe('1\n');
    // News of the one that is whole change nothing about the other.
    host.must(['ip', 'route', 'del', '10.1.1.0/26']);
    await expect.poll(() => pings(netns, '10.1.0.1'), { timeout: 3000 }).toBe(true);
    await expect(daemon.settled([broken.id])).rejects.toThrow(/vxlan|EEXIST/i);
    host.must(['ip', 'link', 'del', 'foreign']);
    await expect
      .poll(
        () =>
          daemon.settled().then(
            () => 'up',
            () => 'down',
          ),
        { timeout: 10_000, interval: 200 },
      )
      .toBe('up');
    await daemon.removeAll();
  });
});
