import { createHash } from 'node:crypto';
import type { AgreedState } from '../../agreement/state/port.ts';
import { type ConnectWish, type EndpointFacts, NetworkRefused, type NetworkService, type PortFacts } from '../../api/network-service.ts';
import {
  type AgreedNetwork,
  type Container,
  type ContainerId,
  DEFAULT_NETWORK,
  LIMITS,
  type NetworkId,
  type NodeId,
} from '../../core/model/index.ts';
import type { CoreNode } from '../../core/node/port.ts';
import type { ContainerSpec, Engine, EndpointWish } from '../../engine/port.ts';
import { blockAt, formatIpv4, holds, parseIpv4 } from '../../lib/ipv4.ts';
import type { KeyedLock } from '../../engine/oci/keyed-lock.ts';
import type { AskedNodes } from './asked-nodes.ts';
import type { Connections } from './connections.ts';
import type { ForeignRoute } from './facts-feed.ts';
import { heardOf } from './heard-of.ts';
import type { Leases } from './leases.ts';
import type { LingeringAddresses } from './lingering-addresses.ts';
import { NetworkAdmin } from './network-admin.ts';
import { agreeing } from './network-refusals.ts';
import type { PortAnnouncer } from './port-announcer.ts';
import { hostPortOf, type PortClaims } from './port-claims.ts';
import type { TaskNetwork, TaskPort } from './task-network.ts';
import type { TaskNetworks } from './task-networks.ts';
import type { TaskWiring } from './task-wiring.ts';

export interface NetworkServiceParts {
  readonly state: AgreedState;
  readonly leases: Leases;
  readonly node: Pick<CoreNode, 'self' | 'members' | 'container'>;
  readonly engine: Pick<Engine, 'place'>;
  readonly tasks: TaskNetworks;
  readonly connections: Connections;
  readonly wiring: TaskWiring;
  /** One thing at a time is done to a container. */
  readonly turns: KeyedLock<ContainerId>;
  readonly claims: PortClaims;
  readonly announcer: PortAnnouncer;
  readonly askedNodes: Pick<AskedNodes, 'forgetGone'>;
  readonly lingering: Pick<LingeringAddresses, 'all'>;
  readonly doctor: NetworkService['doctor'];
  readonly specOf: (container: Container) => ContainerSpec;
  readonly filesFor: (
    container: Container,
    spec: ContainerSpec,
    task: TaskNetwork,
  ) => { readonly resolvConf: string; readonly hosts: string };
  readonly foreignRoutes: () => readonly ForeignRoute[];
  readonly claimsChanged: () => void;
  readonly wallMs: () => number;
}

/** What the API asks of networks, answered from this node's copy of what is agreed and from what its containers have. */
export function createNetworkService(parts: NetworkServiceParts): NetworkService {
  const { announcer, claims, connections, leases, node, state, tasks, wiring } = parts;
  const admin = new NetworkAdmin({ state, taken: () => takenBlocks(parts), wallMs: () => parts.wallMs() });
  const ofContainer = (id: ContainerId): readonly EndpointFacts[] => {
    const container = node.container(id);
    return container === undefined ? [] : endpointFacts(parts, container);
  };
  return {
    list: () => state.networks(),
    leases: (network) => state.leases(network),
    endpoints: (network) =>
      tasks
        .all()
        .flatMap(({ container }) => ofContainer(container))
        .filter((each) => each.address !== '' && (network === undefined || each.network === network)),
    endpointsOf: ofContainer,
    portsOf: (id) => portFacts(id),
    create: (wish) => admin.create(wish),
    ofSubnet: (cidr) => admin.ofSubnet(cidr),
    remove,

    connect: (id, network, wish) => parts.turns.run(id, () => connect(id, network, wish)),
    disconnect: (id, network) => parts.turns.run(id, () => disconnect(id, network)),

    async claimPorts(container, ports) {
      const named = ports.filter(({ hostPort }) => hostPort > 0).map(hostPortOf);
      if (named.length === 0) return;
      await claims.claim(container, named);
      parts.claimsChanged();
    },
    claimPortsLater(container, ports) {
      claims.claimLater(container, ports.filter(({ hostPort }) => hostPort > 0).map(hostPortOf));
    },
    async startingPorts(container) {
      await claims.starting(container);
      parts.claimsChanged();
    },
    releasePorts(container) {
      claims.release(container);
      parts.claimsChanged();
    },
    doctor: () => parts.doctor(),
  };

  /** The wish is kept first: what a crash breaks off is ended, or taken back, by the next start of the daemon. */
  async function connect(id: ContainerId, network: NetworkId, wish: ConnectWish): Promise<void> {
    await heardOf(state, [network]);
    const { container, spec, wishes: before } = connectable(parts, id);
    const agreed = networkOf(state, network);
    if (before.some((each) => each.network === network)) {
      throw new NetworkRefused('forbidden', `endpoint with name ${container.name} already exists in network ${agreed.name}`);
    }
    const gone = goneBefore(state, before, agreed);
    const wishes = before.filter((each) => each !== gone);
    if (wishes.length >= LIMITS.networksPerContainer) {
      throw new NetworkRefused('forbidden', `${container.name} is on ${wishes.length} networks already, the most it may be`);
    }
    const added = wishOf(agreed, wish);
    connections.set(id, [...wishes, added]);
    const task = tasks.get(id);
    if (task === undefined) return;
    try {
      const after = await agreeing('connecting a container', () => wiring.connect(container, task, added));
      await parts.engine.place(id, parts.filesFor(container, spec, after));
    } catch (error) {
      if (!(tasks.get(id)?.endpoints ?? []).some((each) => each.network === network)) connections.set(id, before);
      throw error;
    }
  }

  async function disconnect(id: ContainerId, network: NetworkId): Promise<void> {
    const { container, spec, wishes } = connectable(parts, id);
    const agreed = state.network(network);
    const wish = wishes.find((each) => each.network === network) ?? (agreed && goneBefore(state, wishes, agreed));
    if (wish === undefined) {
      const name = agreed?.name ?? network.slice(0, 12);
      throw new NetworkRefused('forbidden', `container ${container.name} is not connected to network ${name}`);
    }
    connections.set(
      id,
      wishes.filter((each) => each !== wish),
    );
    const task = tasks.get(id);
    const endpoint = task?.endpoints.find((each) => each.network === network);
    if (task === undefined || endpoint === undefined) return;
    try {
      const after = await wiring.disconnect(task, endpoint);
      if (after.endpoints.length > 0) await parts.engine.place(id, parts.filesFor(container, spec, after));
    } catch (error) {
      if ((tasks.get(id)?.endpoints ?? []).some((each) => each.network === network)) connections.set(id, wishes);
      throw error;
    }
  }

  function portFacts(id: ContainerId): readonly PortFacts[] {
    const here = node.self().id;
    const own = (tasks.get(id)?.ports ?? []).map((port) => factsOf(port, here));
    const asked = announcer.servedFor(id);
    return [...own, ...(asked === undefined ? [] : asked.ports.map((port) => factsOf(port, asked.node)))];
  }

  /** @throws NetworkRefused */
  async function remove(id: NetworkId): Promise<void> {
    const agreed = networkOf(state, id);
    if (agreed.name === DEFAULT_NETWORK) {
      throw new NetworkRefused('forbidden', `${DEFAULT_NETWORK} is a pre-defined network and cannot be removed`);
    }
    const nameOf = (id: NodeId) => node.members().find((member) => member.id === id)?.name ?? id.slice(0, 12);
    const inUse = (who: string, more = '') =>
      new NetworkRefused(
        'in-use',
        `error while removing network: network ${agreed.name} has active endpoints on ${who}: stop or disconnect these containers first${more}`,
      );
    parts.askedNodes.forgetGone();
    await agreeing('removing a network', async () => {
      if ((await leases.returnAll(id)) === 'in-use') {
        const isRunning = tasks.all().some(({ endpoints }) => endpoints.some(({ network }) => network === id));
        const asked = new Set(parts.lingering.all().flatMap((each) => (each.network === id ? [nameOf(each.asked)] : [])));
        if (isRunning || asked.size === 0) throw inUse('this node');
        throw new NetworkRefused('in-use', lingeringWords(agreed.name, [...asked]));
      }
      const still = await leases.askOthersToReturn(id);
      const busy = still.filter(({ why }) => why === 'in-use').map((each) => nameOf(each.node));
      if (busy.length > 0) throw inUse(busy.join(', '), ELSEWHERE);
      const silent = still.map((each) => nameOf(each.node));
      if (silent.length > 0) {
        throw new NetworkRefused(
          'in-use',
          `network ${agreed.name} may have endpoints on ${silent.join(', ')}, which did not give its leases back: try again when it answers, or take it out with "caravela nodes rm"`,
        );
      }
      const removed = await state.removeNetwork(id);
      if (typeof removed === 'object') throw inUse(removed.leased.map(nameOf).join(', '));
    });
  }
}

/** What is not known of another node's addresses. */
const ELSEWHERE =
  '. Where none is left, a node that was down may still lead a published port to an address there: ask again when it is up, or when it was taken out with "caravela nodes rm"';

const lingeringWords = (network: string, asked: readonly string[]): string =>
  `error while removing network: no container is on network ${network} here any more, but ${asked.join(', ')} may still lead a published port to an address of it, and ${asked.length === 1 ? 'has' : 'have'} not been reached since: ask again when ${asked.length === 1 ? 'it is' : 'they are'} up, or take ${asked.length === 1 ? 'it' : 'them'} out with "caravela nodes rm"`;

/** @throws NetworkRefused */
function connectable(
  { node, specOf, connections }: NetworkServiceParts,
  id: ContainerId,
): { readonly container: Container; readonly spec: ContainerSpec; readonly wishes: readonly EndpointWish[] } {
  const container = node.container(id);
  if (container === undefined) throw new NetworkRefused('not-found', `No such container: ${id}`);
  const spec = specOf(container);
  if (spec.networkMode === 'host')
    throw new NetworkRefused('forbidden', 'container sharing network namespace with host cannot be connected to any other network');
  if (spec.networkMode === 'container')
    throw new NetworkRefused(
      'forbidden',
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  return { container, spec, wishes: connections.of(id, spec) };
}

function networkOf(state: AgreedState, id: NetworkId): AgreedNetwork {
  const agreed = state.network(id);
  if (agreed === undefined) throw new NetworkRefused('not-found', `network ${id} not found`);
  return agreed;
}

/** A container that stands may be on a network that was removed, and have its name alone: there is another of this name now. */
function goneBefore(
  state: AgreedState,
  wishes: readonly EndpointWish[],
  { id, name }: Pick<AgreedNetwork, 'id' | 'name'>,
): EndpointWish | undefined {
  return wishes.find((each) => each.network !== id && each.networkName === name && state.network(each.network) === undefined);
}

function wishOf(agreed: AgreedNetwork, { ip, aliases, mac, links = [] }: ConnectWish): EndpointWish {
  const address = ip === undefined ? undefined : parseIpv4(ip);
  if (ip !== undefined && (address === undefined || !holds(agreed.subnet, address))) {
    throw new NetworkRefused('invalid', `invalid IPv4 address ${JSON.stringify(ip)}: it must be one of network ${agreed.name}`);
  }
  const own = links.length === 0 ? {} : { links };
  return { network: agreed.id, networkName: agreed.name, vni: agreed.vni, ip: ip ?? '', aliases, mac: mac ?? '', ...own };
}

function endpointFacts({ connections, specOf, state, tasks }: NetworkServiceParts, container: Container): readonly EndpointFacts[] {
  const id = container.request.containerId;
  const task = tasks.get(id);
  return connections.of(id, specOf(container)).map((wish) => {
    const agreed = state.network(wish.network);
    const endpoint = task?.endpoints.find((each) => each.network === wish.network);
    return {
      container: id,
      containerName: container.name,
      network: wish.network,
      networkName: agreed?.name ?? wish.networkName,
      endpointId: endpoint === undefined ? '' : createHash('sha256').update(`${id} ${wish.network}`).digest('hex'),
      address: endpoint === undefined ? '' : formatIpv4(endpoint.address),
      prefix: endpoint === undefined ? 0 : (agreed?.subnet.prefix ?? 0),
      gateway: endpoint === undefined || agreed === undefined ? '' : formatIpv4(agreed.gateway),
      mac: endpoint === undefined ? '' : (endpoint.mac ?? macOf(endpoint.address)),
      interfaceName: endpoint?.interfaceName ?? '',
      aliases: wish.aliases,
      askedIp: wish.ip,
      ...(wish.links === undefined ? {} : { links: wish.links }),
    };
  });
}

/** 02:42 and the address, as Docker's bridges have it. */
function macOf(address: number): string {
  const bytes = formatIpv4(address)
    .split('.')
    .map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return ['02', '42', ...bytes].join(':');
}

const factsOf = ({ containerPort, protocol, ip, port }: TaskPort, node: NodeId): PortFacts => ({
  containerPort,
  protocol,
  hostIp: formatIpv4(ip),
  hostPort: port,
  node,
});

/** What no subnet may hold: this host's routes, and where members are on the underlay. */
function takenBlocks({ foreignRoutes, node }: NetworkServiceParts): ReturnType<ConstructorParameters<typeof NetworkAdmin>[0]['taken']> {
  const routes = foreignRoutes().map(({ block, words }) => ({ block, what: `this host's route ${words}` }));
  const members = node.members().flatMap(({ address, name, state }) => {
    const ip = state === 'left' ? undefined : parseIpv4(address.ip);
    return ip === undefined ? [] : [{ block: blockAt(ip, 32), what: `the address ${address.ip} of node ${name}` }];
  });
  return [...routes, ...members];
}
