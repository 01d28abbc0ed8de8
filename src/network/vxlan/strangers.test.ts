import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRunIn } from './testing/hosts.test-suite.ts';
import { Lab, type LabEndpoint, pings } from './testing/lab.test-suite.ts';

describe('frames of strangers', () => {
  let lab: Lab;
  let a: LabEndpoint;
  let b: LabEndpoint;
  let neighbour: LabEndpoint;
  beforeAll(async () => {
    lab = await Lab.open({ mtus: [1500, 1500], networks: { 1: {} } });
    [a, b, neighbour] = await Promise.all([lab.one(1, 1), lab.one(2, 1), lab.one(1, 1)]);
  });
  afterAll(() => lab.close());

  /** A VXLAN device by hand that sends to a host, and one echo through it to a container there; whether that got it. */
  const arrives = (from: string, host: number, to: LabEndpoint, remote = `192.0.2.${host}`): boolean => {
    const tunnelMac = `0a:ca:00:00:00:0${host}`;
    const run = (...words: string[]): string => mustRunIn(from, words);
    run('ip', 'link', 'add', 'stranger', 'type', 'vxlan', 'id', String(0x101), 'dstport', '4789', 'remote', remote);
    run('ip', 'addr', 'add', '10.1.2.60/32', 'dev', 'stranger');
    run('ip', 'link', 'set', 'stranger', 'up');
    run('ip', 'route', 'add', `${to.address}/32`, 'dev', 'stranger', 'src', '10.1.2.60');
    run('ip', 'neigh', 'add', to.address, 'lladdr', tunnelMac, 'dev', 'stranger');
    const before = echoesHeard(to);
    pings(from, to.address);
    run('ip', 'link', 'del', 'stranger');
    return echoesHeard(to) > before;
  };

  it('are dropped: from outside, though a member’s are taken', async () => {
    expect(arrives(lab.hosts.outside, 1, a)).toBe(false);
    const { members } = lab.state(1);
    await lab.want({ 1: { members: [...members, { number: 9, underlayIp: '192.0.2.254' }] } });
    expect(arrives(lab.hosts.outside, 1, a)).toBe(true);
    await lab.want();
    expect(arrives(lab.hosts.outside, 1, a)).toBe(false);
  });

  it('are dropped: from a container, which its host would otherwise lend its address', () => {
    expect(arrives(a.netns, 2, b)).toBe(false);
    expect(arrives(a.netns, 1, neighbour)).toBe(false);
    expect(pings(a.netns, b.address)).toBe(true);
  });

  it('are dropped: from a container, to an address of a host that no member sends to', () => {
    lab.host(2).must(['ip', 'addr', 'add', '192.0.2.102/24', 'dev', 'eth0']);
    expect(arrives(a.netns, 2, b, '192.0.2.102')).toBe(false);
    expect(pings(a.netns, b.address)).toBe(true);
  });
});

function echoesHeard({ netns }: LabEndpoint): number {
  const [names = '', values = ''] = mustRunIn(netns, ['cat', '/proc/net/snmp'])
    .split('\n')
    .filter((line) => line.startsWith('Icmp:'));
  return Number(values.split(' ')[names.split(' ').indexOf('InEchos')]);
}
