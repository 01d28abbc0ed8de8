import { assert } from '../../lib/assert.ts';
import type { NetworkId } from '../../core/model/index.ts';
import { type Cidr, holds, parseIpv4, sameBlock, sizeOf } from '../../lib/ipv4.ts';
import type { HostNetworks, NetworkOnHost, NetworkPeer } from '../port.ts';
import { endpointElements, type EndpointSet, planFirewall } from './firewall/plan-firewall.ts';
import { type Element, elementKey, type FirewallWish } from './firewall/sets.ts';
import { alias, gatewayMac, type Names, portAlias, tunnelMac } from './names.ts';
import { planShortcuts, type Shortcuts } from './shortcuts/plan-shortcuts.ts';
import { bridgeSysctls, deviceSysctls, hostSysctls, tunnelSysctls } from './sysctls.ts';
import {
  addressKey,
  type AddressWish,
  type EndpointOnHost,
  fdbKey,
  type FdbWish,
  type KernelWish,
  type LinkWish,
  neighbourKey,
  type NeighbourWish,
  routeKey,
  type RouteWish,
} from './wish.ts';

const ENDPOINT_SETS = ['endpoints', 'on_bridge'] as const satisfies readonly EndpointSet[];

/** What VXLAN adds to a packet over IPv4 (RFC 7348): IP 20, UDP 8, VXLAN 8, inner Ethernet 14. */
export const VXLAN_BYTES = 50;

/**
 * The routed overlay (DESIGN §9), as flannel's VXLAN backend routes host by host, with blocks agreed in Raft instead
 * of a subnet per host. Containers hang on a bridge with the network's gateway address. For the rest of the network
 * the bridge answers ARP in the others' place (proxy ARP): the kernel does so for what it routes through another
 * device. Each block that another host leases is one route through the network's VXLAN device, each other host one
 * neighbour entry (inner address → VTEP MAC) and one FDB entry (VTEP MAC → underlay address). There is nothing per
 * container but its own interface, no flooding, and no ARP between hosts. What nobody leases is unreachable, so that
 * the bridge answers for no more than there is. Pure; endpoints come and go in it one by one.
 */
export class Plan implements KernelWish {
  readonly links = new Map<string, LinkWish>();
  readonly addresses = new Map<string, AddressWish>();
  readonly routes = new Map<string, RouteWish>();
  readonly neighbours = new Map<string, NeighbourWish>();
  readonly fdb = new Map<string, FdbWish>();
  readonly sysctls = new Map<string, string>();
  readonly firewall: FirewallWish;
  /** Of the networks on this host. */
  readonly subnets: readonly Cidr[];
  readonly #state: HostNetworks;
  readonly #names: Names;
  readonly #networks: ReadonlyMap<NetworkId, NetworkOnHost>;
  /** By port. */
  readonly #endpoints = new Map<string, EndpointOnHost>();
  /** By bridge and tunnel. */
  readonly #byDevice = new Map<string, NetworkId>();
  readonly #ofEndpoints: Record<EndpointSet, Map<string, Element>> = { endpoints: new Map(), on_bridge: new Map() };

  constructor(state: HostNetworks, names: Names) {
    this.#state = state;
    this.#names = names;
    this.#networks = new Map(state.networks.map((network) => [network.id, network]));
    this.subnets = state.networks.map(({ subnet }) => subnet);
    this.firewall = { ...planFirewall(state, names), ...this.#ofEndpoints };
    for (const network of state.networks) this.#planNetwork(network);
    this.#sysctls(hostSysctls());
  }

  /** Returns what the firewall gets for it. */
  put(endpoint: EndpointOnHost): Record<EndpointSet, readonly Element[]> {
    const network = this.#networks.get(endpoint.network);
    const bridge = network === undefined ? undefined : this.#names.bridge(network.vni);
    this.#endpoints.set(endpoint.port, endpoint);
    this.#link({
      kind: 'port',
      name: endpoint.port,
      alias: portAlias(this.#names, endpoint),
      mtu: network === undefined ? 0 : mtuOn(network, this.#state),
      bridge,
    });
    this.#sysctls(deviceSysctls(endpoint.port));
    const elements = endpointElements(endpoint, bridge);
    for (const name of ENDPOINT_SETS) for (const element of elements[name]) this.#ofEndpoints[name].set(elementKey(element), element);
    return elements;
  }

  /** Returns what the firewall had for it. */
  drop(endpoint: EndpointOnHost): Record<EndpointSet, readonly Element[]> {
    const network = this.#networks.get(endpoint.network);
    this.#endpoints.delete(endpoint.port);
    this.links.delete(endpoint.port);
    for (const [path] of deviceSysctls(endpoint.port)) this.sysctls.delete(path);
    const elements = endpointElements(endpoint, network && this.#names.bridge(network.vni));
    for (const name of ENDPOINT_SETS) for (const element of elements[name]) this.#ofEndpoints[name].delete(elementKey(element));
    return elements;
  }

  /** Whose a device is; undefined: of no network that is wanted. */
  networkOf(device: string): NetworkId | undefined {
    return this.#byDevice.get(device) ?? this.#endpoints.get(device)?.network;
  }

  /** Whose a subnet is; undefined: of no network that is wanted. */
  networkWith(subnet: Cidr): NetworkId | undefined {
    return this.#state.networks.find((network) => sameBlock(network.subnet, subnet))?.id;
  }

  /** For the endpoints as they are now. */
  shortcuts(): Shortcuts {
    const state = this.#state;
    const ofNetwork = Map.groupBy(this.#endpoints.values(), ({ network }) => network);
    const inUse = state.networks.filter(({ id }) => ofNetwork.has(id));
    const networks = inUse.map((network) => ({
      network,
      endpoints: ofNetwork.get(network.id) ?? [],
      ways: network.peers
        .filter(({ underlayIp }) => parseIpv4(underlayIp) !== undefined)
        .flatMap(({ number, underlayMtu, blocks }) => {
          const takesAll = underlayMtu - VXLAN_BYTES >= mtuOn(network, state);
          return blocks.map((block) => ({ block, via: takesAll ? innerAddress(state, number) : undefined }));
        }),
    }));
    return planShortcuts(networks, this.#names);
  }

  #planNetwork(network: NetworkOnHost): void {
    const state = this.#state;
    const inner = innerAddress(state, state.self.number);
    const bridge = this.#names.bridge(network.vni);
    const tunnel = this.#names.tunnel(network.vni);
    this.#byDevice.set(bridge, network.id);
    this.#byDevice.set(tunnel, network.id);
    const mtu = mtuOn(network, state);
    const alias = networkAlias(this.#names, network);
    this.#link({ kind: 'bridge', name: bridge, alias, mtu, mac: gatewayMac(network.gateway) });
    this.#link({
      kind: 'tunnel',
      name: tunnel,
      alias,
      mtu: state.self.underlayMtu - VXLAN_BYTES,
      mac: tunnelMac(state.self.number),
      vni: network.vni,
      port: state.vxlanPort,
      local: parseIpv4(state.self.underlayIp) ?? 0,
    });
    this.#address({ link: bridge, address: network.gateway, prefix: network.subnet.prefix });
    // On each tunnel, and so the source of what the host itself sends through it.
    this.#address({ link: tunnel, address: inner, prefix: 32 });
    this.#route({ destination: network.subnet, link: undefined, via: undefined, mtu: 0, metric: this.#names.metric });
    for (const destination of network.blocks) this.#route({ destination, link: bridge, via: undefined, mtu: 0, metric: 0 });
    for (const peer of network.peers) {
      const via = innerAddress(state, peer.number);
      this.#host(tunnel, peer, via);
      const least = Math.min(mtu, peer.underlayMtu - VXLAN_BYTES);
      for (const destination of peer.blocks) this.#route({ destination, link: tunnel, via, mtu: least, metric: 0 });
    }
    if (network.isDefault) this.#planMembers(tunnel);
    const local = state.ports.filter(({ hostIp }) => hostIp === 0 || holds(LOOPBACK, hostIp));
    const loopback = local.some((port) => port.network === network.id);
    // What another host's container answers comes by the default network's tunnel, whichever network it is on.
    const answers = loopback || (network.isDefault && local.length > 0);
    this.#sysctls([...bridgeSysctls(bridge, loopback), ...tunnelSysctls(tunnel, answers)]);
  }

  /** The way to the inner addresses of all, from whichever network they were met. */
  #planMembers(tunnel: string): void {
    const { self, members, networks } = this.#state;
    // Members tell their underlay's MTU as peers of the networks that they lease blocks of.
    const mtus = new Map(networks.flatMap(({ peers }) => peers.map(({ number, underlayMtu }): [number, number] => [number, underlayMtu])));
    for (const member of members) {
      const address = innerAddress(this.#state, member.number);
      this.#host(tunnel, member, address);
      const mtu = Math.min(self.underlayMtu, mtus.get(member.number) ?? self.underlayMtu) - VXLAN_BYTES;
      this.#route({ destination: { base: address, prefix: 32 }, link: tunnel, via: undefined, mtu, metric: 0 });
    }
  }

  /** What it takes to send to another host through a VXLAN device. */
  #host(link: string, { number, underlayIp }: Pick<NetworkPeer, 'number' | 'underlayIp'>, address: number): void {
    const remote = parseIpv4(underlayIp);
    // A host whose underlay is of another family can't be reached yet.
    if (remote === undefined) return;
    const mac = tunnelMac(number);
    const neighbour = { link, address, mac };
    this.neighbours.set(neighbourKey(neighbour), neighbour);
    const entry = { link, mac, remote };
    this.fdb.set(fdbKey(entry), entry);
  }

  #link(link: LinkWish): void {
    this.links.set(link.name, link);
  }

  #address(address: AddressWish): void {
    this.addresses.set(addressKey(address), address);
  }

  #route(route: RouteWish): void {
    this.routes.set(routeKey(route), route);
  }

  #sysctls(values: Iterable<readonly [path: string, value: string]>): void {
    for (const [path, value] of values) this.sysctls.set(path, value);
  }
}

/** What a container's packets of this network may have on this host; larger ones to smaller hosts learn it from the route. */
export function mtuOn(network: NetworkOnHost, { self }: HostNetworks): number {
  return Math.min(network.mtu ?? Number.POSITIVE_INFINITY, self.underlayMtu - VXLAN_BYTES);
}

export const LOOPBACK = { base: 127 * 2 ** 24, prefix: 8 };

/** Of the host with that number. */
function innerAddress({ innerRange }: HostNetworks, number: number): number {
  assert(number > 0 && number < sizeOf(innerRange) - 1, `node number ${number} has no inner address among ${sizeOf(innerRange)}`);
  return innerRange.base + number;
}

const networkAlias = (names: Names, { name, id }: NetworkOnHost): string => alias(names, `network ${id} ${name.slice(0, 100)}`);
