import { describe, expect, it } from 'vitest';
import { containerId, type NetworkId } from '../../../core/model/index.ts';
import { parseCidr, parseIpv4 } from '../../../lib/ipv4.ts';
import type { HostNetworks, NetworkPeer } from '../../port.ts';
import { Names } from '../names.ts';
import { Plan } from '../plan.ts';

const names = new Names('aabbcc112233');
const ip = (text: string) => parseIpv4(text)!;
const cidr = (text: string) => parseCidr(text)!;
const id = '1'.repeat(64) as NetworkId;
const peer = (number: number, underlayMtu: number, ...blocks: string[]): NetworkPeer => ({
  number,
  underlayIp: `192.0.2.${number}`,
  underlayMtu,
  blocks: blocks.map(cidr),
});
const endpoint = {
  container: containerId('c'.repeat(64)),
  network: id,
  address: ip('10.1.1.2'),
  mac: '02:42:0a:01:01:02',
  port: 'cvaabbccv000001',
};

function planOf(peers: readonly NetworkPeer[]): Plan {
  const state: HostNetworks = {
    self: { number: 1, underlayIp: '192.0.2.1', underlayMtu: 1500 },
    vxlanPort: 4789,
    innerRange: cidr('198.18.0.0/15'),
    members: peers,
    networks: [
      {
        id,
        name: 'web',
        vni: 7,
        subnet: cidr('10.1.0.0/16'),
        gateway: ip('10.1.0.1'),
        internal: false,
        mtu: undefined,
        isDefault: true,
        blocks: [cidr('10.1.1.0/26'), cidr('10.1.2.8/32')],
        peers,
      },
    ],
    ports: [],
  };
  return new Plan(state, names);
}

describe('the plan of shortcuts', () => {
  it('is one chain a port, and two for its network; what is leased to others is cut out', () => {
    const plan = planOf([peer(2, 1500, '10.1.2.0/28'), peer(3, 1500, '10.1.2.4/32')]);
    plan.put(endpoint);
    expect([...plan.shortcuts()].map(([name, { device, rule }]) => `${name} ${device}: ${rule}`)).toEqual([
      'to_cvaabbccx000007 undefined: ip daddr != 10.1.0.1 ip ttl > 1 fwd ip to ip daddr map { 10.1.2.0-10.1.2.3 : 198.18.0.2, 10.1.2.4 : 198.18.0.3, 10.1.2.5-10.1.2.7 : 198.18.0.2, 10.1.2.9-10.1.2.15 : 198.18.0.2 } device "cvaabbccx000007"',
      'cvaabbccx000007 cvaabbccx000007: meta pkttype host ip daddr { 10.1.1.2 } ip saddr { 10.1.2.0-10.1.2.3, 10.1.2.4, 10.1.2.5-10.1.2.7, 10.1.2.9-10.1.2.15 } ip ttl > 1 fwd ip to ip daddr device "cvaabbccb000007"',
      'cvaabbccv000001 cvaabbccv000001: ether saddr 02:42:0a:01:01:02 ether daddr 0a:cb:0a:01:00:01 ip saddr 10.1.1.2 goto to_cvaabbccx000007',
    ]);
  });

  it('has none to a host whose underlay takes less, nor from it', () => {
    const plan = planOf([peer(2, 1400, '10.1.2.0/28'), peer(3, 9000, '10.1.3.0/28')]);
    plan.put(endpoint);
    const rules = [...plan.shortcuts().values()].map(({ rule }) => rule).join('\n');
    expect(rules).not.toContain('10.1.2.');
    expect(rules).toContain('10.1.3.0-10.1.3.15 : 198.18.0.3');
  });

  it('is empty without containers here, and without others elsewhere', () => {
    expect(planOf([peer(2, 1500, '10.1.2.0/28')]).shortcuts().size).toBe(0);
    const alone = planOf([]);
    alone.put(endpoint);
    expect(alone.shortcuts().size).toBe(0);
    const left = planOf([peer(2, 1500, '10.1.2.0/28')]);
    left.put(endpoint);
    left.drop(endpoint);
    expect(left.shortcuts().size).toBe(0);
  });
});
