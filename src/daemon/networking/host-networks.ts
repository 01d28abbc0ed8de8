import { type AgreedNetwork, DEFAULT_NETWORK, type Lease, type Member, type NetworkId, type NodeId } from '../../core/model/index.ts';
import type { AgreedState } from '../../agreement/state/port.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import type { HostNetworks, NetworkOnHost, NetworkPeer, PublishedPort } from '../../network/port.ts';

export interface HostNetworksInput {
  readonly self: Member;
  readonly vxlanPort: number;
  readonly innerRange: Cidr;
  readonly members: readonly Member[];
  readonly state: Pick<AgreedState, 'networks' | 'leases' | 'nodes'>;
  /** Networks on which this node has an endpoint, or a port that leads there. Those it has leases of come by themselves. */
  readonly present: ReadonlySet<NetworkId>;
  readonly ports: readonly PublishedPort[];
}

/** What this host's kernel should have, from what is agreed and who is where (DESIGN §2.6, §9). Pure. */
export function hostNetworks(input: HostNetworksInput): HostNetworks {
  const { self, state } = input;
  const removed = new Set(state.nodes().flatMap((node) => (node.state === 'in' ? [] : [node.id])));
  const others = new Map<NodeId, Member>();
  for (const member of input.members) {
    // The dead may come back any moment: their frames are taken as soon as they do.
    if (member.id !== self.id && member.state !== 'left' && member.number > 0 && !removed.has(member.id)) others.set(member.id, member);
  }
  const networks = state.networks().flatMap((network): NetworkOnHost[] => {
    const leases = state.leases(network.id);
    const isHere = network.name === DEFAULT_NETWORK || input.present.has(network.id) || leases.some(({ node }) => node === self.id);
    if (!isHere) return [];
    const blocks = leases.flatMap(({ node, block }) => (node === self.id ? [block] : []));
    return [onHost(network, blocks, peersOf(leases, others))];
  });
  const known = new Set(networks.map(({ id }) => id));
  return {
    self: { number: self.number, underlayIp: self.address.ip, underlayMtu: self.underlayMtu },
    vxlanPort: input.vxlanPort,
    innerRange: input.innerRange,
    members: [...others.values()].map(({ number, address }) => ({ number, underlayIp: address.ip })),
    networks,
    ports: input.ports.filter(({ network }) => known.has(network)),
  };
}

function onHost(network: AgreedNetwork, blocks: readonly Cidr[], peers: readonly NetworkPeer[]): NetworkOnHost {
  const { id, name, vni, subnet, gateway, internal, mtu } = network;
  return { id, name, vni, subnet, gateway, internal, mtu, isDefault: name === DEFAULT_NETWORK, blocks, peers };
}

function peersOf(leases: readonly Lease[], others: ReadonlyMap<NodeId, Member>): readonly NetworkPeer[] {
  const blocks = new Map<NodeId, Cidr[]>();
  for (const { node, block } of leases) {
    const known = blocks.get(node);
    if (known === undefined) blocks.set(node, [block]);
    else known.push(block);
  }
  return [...blocks].flatMap(([id, leased]): NetworkPeer[] => {
    const peer = others.get(id);
    if (peer === undefined) return [];
    return [{ number: peer.number, underlayIp: peer.address.ip, underlayMtu: peer.underlayMtu, blocks: leased }];
  });
}
