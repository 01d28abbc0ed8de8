import { createHash } from 'node:crypto';
import {
  type AgreedNetwork,
  type Container,
  type ContainerId,
  DEFAULT_NETWORK,
  type Lease,
  type NetworkId,
  type NodeId,
} from '../core/model/index.ts';
import type { ContainerSpec, EndpointWish } from '../engine/port.ts';
import { blockAt, formatIpv4, overlaps, parseCidr, parseIpv4, sameBlock } from '../lib/ipv4.ts';
import {
  type ConnectWish,
  type EndpointFacts,
  type Finding,
  NetworkRefused,
  PortRefused,
  type NetworkService,
  type NetworkWish,
  type PortFacts,
} from './network-service.ts';

/** What the nodes of a fake instance agree on: all see it at once. */
export class FakeAgreedNetworks {
  readonly networks: AgreedNetwork[] = [];
  readonly leases: Lease[] = [];
  /** Addresses in use, by network and container. */
  readonly addresses = new Map<string, number>();

  constructor() {
    this.add({ name: DEFAULT_NETWORK, subnet: '10.210.0.0/16', gateway: undefined, internal: false, labels: {}, options: {} });
  }

  /** @throws NetworkRefused */
  add(wish: NetworkWish): AgreedNetwork {
    const { name, internal, labels, options } = wish;
    if (this.networks.some((n) => n.name === name)) throw new NetworkRefused('conflict', `network with name ${name} already exists`);
    const vni = 4097 + this.networks.length;
    const subnet = parseCidr(wish.subnet ?? `10.211.${vni - 4097}.0/24`);
    if (subnet === undefined) throw new NetworkRefused('invalid', `invalid CIDR address: ${wish.subnet}`);
    const other = this.networks.find((n) => overlaps(n.subnet, subnet));
    if (other !== undefined) throw new NetworkRefused('conflict', `subnet ${wish.subnet} overlaps that of network ${other.name}`);
    const made: AgreedNetwork = {
      id: createHash('sha256').update(name).digest('hex') as NetworkId,
      name,
      subnet,
      gateway: parseIpv4(wish.gateway ?? '') ?? subnet.base + 1,
      vni,
      internal,
      mtu: options['mtu'] === undefined ? undefined : Number(options['mtu']),
      labels,
      options,
      createdAtMs: 1_700_000_000_000,
    };
    this.networks.push(made);
    return made;
  }
}

interface Wired {
  readonly id: NodeId;
  containers(): readonly Container[];
}

/** Networks in memory: endpoints are what the node's containers ask for and were connected to. */
export class FakeNetworks implements NetworkService {
  readonly claims = new Map<ContainerId, readonly { readonly hostIp: string; readonly hostPort: number }[]>();
  /** Those that are to be had from a start on. */
  readonly later = new Map<ContainerId, readonly { readonly hostIp: string; readonly hostPort: number }[]>();
  /** Which containers were to be started by this node. */
  readonly starting: ContainerId[] = [];
  /** Whose the ports are that are taken; undefined: a process of the host has them. */
  rival: ContainerId | undefined;
  findings: readonly Finding[] = [{ check: 'mtu', state: 'ok', seen: '1500 bytes', advice: '' }];
  /** Networks that this node has not heard of yet. */
  readonly unheard = new Set<NetworkId>();
  /** Thrown by the next change. */
  refuseNext: NetworkRefused | undefined;
  readonly #agreed: FakeAgreedNetworks;
  readonly #node: Wired;
  readonly #connected: { readonly container: ContainerId; readonly wish: EndpointWish }[] = [];
  readonly #disconnected = new Set<string>();

  constructor(agreed: FakeAgreedNetworks, node: Wired) {
    this.#agreed = agreed;
    this.#node = node;
  }

  list(): readonly AgreedNetwork[] {
    return this.#agreed.networks.filter(({ id }) => !this.unheard.has(id));
  }

  leases(network: NetworkId): readonly Lease[] {
    return this.#agreed.leases.filter((lease) => lease.network === network);
  }

  endpoints(network: NetworkId | undefined): readonly EndpointFacts[] {
    return this.#node
      .containers()
      .flatMap((container) => this.endpointsOf(container.request.containerId))
      .filter((endpoint) => network === undefined || endpoint.network === network);
  }

  endpointsOf(id: ContainerId): readonly EndpointFacts[] {
    const container = this.#container(id);
    if (container === undefined) return [];
    const asked = specOf(container).networks.filter(({ network }) => !this.#disconnected.has(`${id} ${network}`));
    const wishes = [...asked, ...this.#connected.filter((c) => c.container === id).map(({ wish }) => wish)];
    return wishes.flatMap((wish, i) => this.#endpoint(container, wish, i));
  }

  portsOf(id: ContainerId): readonly PortFacts[] {
    const container = this.#container(id);
    if (container?.task?.state !== 'running') return [];
    return specOf(container).ports.map(({ containerPort, protocol, hostIp, hostPort }, i) => ({
      containerPort,
      protocol,
      hostIp: hostIp === '' ? '0.0.0.0' : hostIp,
      hostPort: hostPort === 0 ? 32_768 + i : hostPort,
      node: this.#node.id,
    }));
  }

  async create(wish: NetworkWish): Promise<AgreedNetwork> {
    this.#refuse();
    return this.#agreed.add(wish);
  }

  async ofSubnet(cidr: string): Promise<AgreedNetwork> {
    this.#refuse();
    const block = parseCidr(cidr);
    const known = this.#agreed.networks.find(({ subnet }) => block !== undefined && sameBlock(subnet, block));
    return (
      known ??
      this.#agreed.add({ name: cidr.replace('/', '-'), subnet: cidr, gateway: undefined, internal: false, labels: {}, options: {} })
    );
  }

  async remove(network: NetworkId): Promise<void> {
    this.#refuse();
    const at = this.#agreed.networks.findIndex(({ id }) => id === network);
    if (at < 0) throw new NetworkRefused('not-found', `network ${network} not found`);
    this.#agreed.networks.splice(at, 1);
  }

  async connect(container: ContainerId, network: NetworkId, wish: ConnectWish): Promise<void> {
    this.#refuse();
    const found = this.#agreed.networks.find(({ id }) => id === network);
    if (found === undefined) throw new NetworkRefused('not-found', `network ${network} not found`);
    const { ip = '', aliases, mac = '', links = [] } = wish;
    this.#connected.push({ container, wish: { network, networkName: found.name, vni: found.vni, ip, aliases, mac, links } });
  }

  async disconnect(container: ContainerId, network: NetworkId): Promise<void> {
    this.#refuse();
    if (!this.endpointsOf(container).some((endpoint) => endpoint.network === network)) {
      throw new NetworkRefused('not-found', `container ${container} is not connected to the network`);
    }
    const at = this.#connected.findIndex((c) => c.container === container && c.wish.network === network);
    if (at < 0) this.#disconnected.add(`${container} ${network}`);
    else this.#connected.splice(at, 1);
  }

  async claimPorts(container: ContainerId, ports: readonly { readonly hostIp: string; readonly hostPort: number }[]): Promise<void> {
    const taken = ports.find(({ hostPort }) => [...this.claims.values()].flat().some((other) => other.hostPort === hostPort));
    if (taken !== undefined)
      throw new PortRefused(`port ${taken.hostPort} is already allocated`, { protocol: 'tcp', ip: 0, port: taken.hostPort }, this.rival);
    this.claims.set(container, ports);
  }

  claimPortsLater(container: ContainerId, ports: readonly { readonly hostIp: string; readonly hostPort: number }[]): void {
    this.later.set(container, ports);
  }

  async startingPorts(container: ContainerId): Promise<void> {
    this.starting.push(container);
    this.#refuse();
  }

  releasePorts(container: ContainerId): void {
    this.claims.delete(container);
    this.later.delete(container);
  }

  async doctor(): Promise<readonly Finding[]> {
    return this.findings;
  }

  #container(id: ContainerId): Container | undefined {
    return this.#node.containers().find(({ request }) => request.containerId === id);
  }

  #endpoint(container: Container, wish: EndpointWish, index: number): readonly EndpointFacts[] {
    const network = this.#agreed.networks.find(({ id }) => id === wish.network);
    const { containerId } = container.request;
    const named = { container: containerId, containerName: container.name, network: wish.network, networkName: wish.networkName };
    if (network === undefined) {
      // It was removed while the container stood.
      const none = { endpointId: '', address: '', prefix: 0, gateway: '', mac: '', interfaceName: '' };
      return [{ ...named, ...none, aliases: wish.aliases, askedIp: wish.ip }];
    }
    const isRunning = container.task?.state === 'running';
    const address = parseIpv4(wish.ip) ?? this.#addressFor(`${network.id} ${containerId}`, network);
    const octets = formatIpv4(address).split('.');
    return [
      {
        ...named,
        endpointId: isRunning ? 'e'.repeat(64) : '',
        address: isRunning ? formatIpv4(address) : '',
        prefix: network.subnet.prefix,
        gateway: isRunning ? formatIpv4(network.gateway) : '',
        mac: isRunning ? `02:42:${octets.map((octet) => Number(octet).toString(16).padStart(2, '0')).join(':')}` : '',
        interfaceName: `eth${index}`,
        aliases: wish.aliases,
        askedIp: wish.ip,
        links: wish.links ?? [],
      },
    ];
  }

  #addressFor(key: string, network: AgreedNetwork): number {
    const known = this.#agreed.addresses.get(key);
    if (known !== undefined) return known;
    const address = network.subnet.base + 2 + this.#agreed.addresses.size;
    this.#agreed.addresses.set(key, address);
    const block = blockAt(address, Math.max(26, network.subnet.prefix));
    if (!this.#agreed.leases.some((l) => l.network === network.id && sameBlock(l.block, block))) {
      this.#agreed.leases.push({ network: network.id, block, node: this.#node.id });
    }
    return address;
  }

  #refuse(): void {
    const refused = this.refuseNext;
    this.refuseNext = undefined;
    if (refused !== undefined) throw refused;
  }
}

const specOf = (container: Container): ContainerSpec => JSON.parse(container.request.spec) as ContainerSpec;
