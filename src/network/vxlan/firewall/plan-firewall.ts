import { parseIpv4 } from '../../../lib/ipv4.ts';
import type { HostNetworks, PublishedPort } from '../../port.ts';
import type { Names } from '../names.ts';
import type { EndpointOnHost } from '../wish.ts';
import { type Element, elementsOf, type FirewallWish, type Value } from './sets.ts';

/** What is to be in our nftables sets, but for what endpoints bring, which come and go apart. Pure. */
export function planFirewall(state: HostNetworks, names: Names): Omit<FirewallWish, EndpointSet> {
  const networks = state.networks.map(({ vni, gateway, internal }) => ({
    bridge: names.bridge(vni),
    tunnel: names.tunnel(vni),
    gateway,
    internal,
  }));
  return {
    members: elementsOf(state.members.flatMap(({ underlayIp }) => inSet(parseIpv4(underlayIp)))),
    underlay: elementsOf(inSet(parseIpv4(state.self.underlayIp))),
    paths: elementsOf(
      networks.flatMap(({ bridge, tunnel }) => [inSet(bridge, bridge), inSet(bridge, tunnel), inSet(tunnel, bridge)].flat()),
    ),
    internal: elementsOf(networks.flatMap(({ bridge, internal }) => (internal ? inSet(bridge) : []))),
    gateways: elementsOf(networks.flatMap(({ gateway }) => inSet(gateway))),
    gateway_of: elementsOf(networks.flatMap(({ bridge, gateway }) => inSet(bridge, gateway))),
    ports_any: elementsOf(state.ports.filter(({ hostIp }) => hostIp === 0).map((port) => published([], port))),
    ports_at: elementsOf(state.ports.filter(({ hostIp }) => hostIp !== 0).map((port) => published([port.hostIp], port))),
  };
}

export type EndpointSet = 'endpoints' | 'on_bridge';

/** @param bridge name of its network's; undefined: this host hasn't it any more */
export function endpointElements(
  { port, mac, address }: EndpointOnHost,
  bridge: string | undefined,
): Record<EndpointSet, readonly Element[]> {
  return { endpoints: inSet(port, mac, address), on_bridge: inSet(bridge, address) };
}

function published(at: readonly Value[], { protocol, hostPort, address, containerPort }: PublishedPort): Element {
  return { key: [...at, protocol, hostPort], data: [address, containerPort] };
}

function inSet(...key: readonly (Value | undefined)[]): Element[] {
  const known = key.filter((value) => value !== undefined);
  return known.length === key.length ? [{ key: known, data: [] }] : [];
}
