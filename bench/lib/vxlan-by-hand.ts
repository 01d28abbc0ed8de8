import { mustRunIn, type TestHosts } from '../../src/network/vxlan/testing/hosts.test-suite.ts';

/** A container made by hand: its namespace, and its address. */
export interface Place {
  readonly netns: string;
  readonly address: string;
}

const VNI = '77';
const PORT = '4789';

/**
 * What somebody who knows VXLAN sets up with ip(8) between two hosts, without any rule of a packet filter: what ours is
 * held against. `routed`: a subnet's halves behind a bridge on each host, and a route to the other's; one neighbour and
 * one FDB entry. `bridged`: the device is a port of the bridge, floods and learns.
 * @param own number of the host to set up, which gets a container, `other` of the one to talk to
 */
export function vxlanByHand(kind: 'routed' | 'bridged', hosts: TestHosts, own: number, other: number): Place {
  const host = hosts.host(own);
  const ip = (...words: readonly string[]) => host.must(['ip', ...words]);
  const isRouted = kind === 'routed';
  const vxlan = ['link', 'add', 'vx', 'mtu', '1450', 'type', 'vxlan', 'id', VNI, 'dstport', PORT, 'local', `192.0.2.${own}`];
  ip(...vxlan, isRouted ? 'nolearning' : 'learning');
  ip('link', 'set', 'vx', 'address', mac(own));
  ip('link', 'add', 'br0', 'mtu', '1450', 'type', 'bridge');
  ip('link', 'set', 'br0', 'up');
  ip('link', 'set', 'vx', 'up');
  if (isRouted) {
    host.must(['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    ip('addr', 'add', `10.9.${own}.1/24`, 'dev', 'br0');
    ip('addr', 'add', `198.19.0.${own}/32`, 'dev', 'vx');
    ip('neigh', 'add', `198.19.0.${other}`, 'lladdr', mac(other), 'dev', 'vx', 'nud', 'permanent');
    host.must(['bridge', 'fdb', 'add', mac(other), 'dev', 'vx', 'dst', `192.0.2.${other}`]);
    ip('route', 'add', `10.9.${other}.0/24`, 'via', `198.19.0.${other}`, 'dev', 'vx', 'onlink');
  } else {
    ip('link', 'set', 'vx', 'master', 'br0');
    host.must(['bridge', 'fdb', 'append', '00:00:00:00:00:00', 'dev', 'vx', 'dst', `192.0.2.${other}`]);
  }
  return makeContainer(host.netns, own, isRouted ? '24' : '16');
}

/** A namespace that hangs on the bridge by a veth. */
function makeContainer(hostNetns: string, number: number, prefix: string): Place {
  const address = `10.9.${number}.2`;
  const netns = `${hostNetns}c`;
  const name = nameOf(netns);
  mustRunIn(hostNetns, ['ip', 'netns', 'add', name]);
  mustRunIn(hostNetns, ['ip', 'link', 'add', 'veth', 'mtu', '1450', 'type', 'veth', 'peer', 'name', 'eth0', 'mtu', '1450', 'netns', name]);
  mustRunIn(hostNetns, ['ip', 'link', 'set', 'veth', 'master', 'br0', 'up']);
  mustRunIn(netns, ['ip', 'addr', 'add', `${address}/${prefix}`, 'dev', 'eth0']);
  mustRunIn(netns, ['ip', 'link', 'set', 'eth0', 'up']);
  if (prefix === '24') mustRunIn(netns, ['ip', 'route', 'add', 'default', 'via', `10.9.${number}.1`]);
  return { netns, address };
}

/** The hosts know nothing of it. */
export function removeByHand({ netns }: Place): void {
  mustRunIn('/proc/self/ns/net', ['ip', 'netns', 'del', nameOf(netns)]);
}

const nameOf = (netns: string): string => netns.split('/').at(-1) ?? '';
const mac = (number: number): string => `0a:99:00:00:00:0${number}`;
