import { type Cidr, parseCidr } from '../../lib/ipv4.ts';
import type { NodeId } from './ids.ts';
import type { AgreedNetwork, NetworkId } from './network.ts';

export const testNodeId = (n: number): NodeId => n.toString(16).padStart(32, '0') as NodeId;
export const testNetworkId = (n: number): NetworkId => n.toString(16).padStart(64, '0') as NetworkId;

export function testSubnet(text: string): Cidr {
  const subnet = parseCidr(text);
  if (subnet === undefined) throw new Error(`${text} is no subnet`);
  return subnet;
}

/** The nth network, agreed. */
export function testNetwork(n: number, subnet: string, change: Partial<AgreedNetwork> = {}): AgreedNetwork {
  const block = testSubnet(subnet);
  return {
    id: testNetworkId(n),
    name: `net-${n}`,
    subnet: block,
    gateway: block.base + 1,
    vni: 100 + n,
    internal: false,
    mtu: undefined,
    labels: {},
    options: {},
    createdAtMs: 1,
    ...change,
  };
}
