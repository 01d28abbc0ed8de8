import { randomInt } from 'node:crypto';
import type { AgreedState } from '../../agreement/state/port.ts';
import { NetworkRefused } from '../../api/network-service.ts';
import { type AgreedNetwork, type Container, type ContainerId, type HostPort, type NetworkId, portsClash } from '../../core/model/index.ts';
import type { ContainerSpec, EndpointWish, PortWish, TaskPlace } from '../../engine/port.ts';
import { assertNever } from '../../lib/assert.ts';
import { parseIpv4 } from '../../lib/ipv4.ts';
import type { Network } from '../../network/port.ts';
import type { Connections } from './connections.ts';
import { endpointNames } from './endpoint-names.ts';
import { heardOf } from './heard-of.ts';
import { LeaseRefused, type Leases } from './leases.ts';
import { type LingeringAddresses, lingeringOf } from './lingering-addresses.ts';
import { hostPortOf, refusedPort } from './port-claims.ts';
import { type PortReserver, PortTaken } from './port-reserver.ts';
import type { TaskEndpoint, TaskNetwork, TaskPort } from './task-network.ts';
import type { TaskNetworks } from './task-networks.ts';

export interface TaskWiringParts {
  readonly network: Network;
  readonly leases: Leases;
  readonly lingering: LingeringAddresses;
  readonly state: Pick<AgreedState, 'network' | 'onChange'>;
  readonly tasks: TaskNetworks;
  readonly connections: Connections;
  readonly reserver: PortReserver;
  readonly container: (id: ContainerId) => Container | undefined;
  readonly specOf: (container: Container) => ContainerSpec;
  /** Whether it was this node that was asked for the container. */
  readonly isAskedHere: (container: Container) => boolean;
  /** Why this host can't take part in a network; undefined: it can. */
  readonly closed: (network: AgreedNetwork) => string | undefined;
  /** Resolves when the host is on the network. */
  readonly onHost: (network: AgreedNetwork) => Promise<void>;
  /** What tasks have has changed: the kernel is to follow, and the directory to hear of it. */
  readonly changed: (id: ContainerId) => void;
  /** /etc/resolv.conf and /etc/hosts for what a task has. */
  readonly filesFor: (container: Container, task: TaskNetwork) => { readonly resolvConf: string; readonly hosts: string };
}

/** IANA's dynamic ports (RFC 6335 §6): where a published port is taken from when none is named. */
const DYNAMIC = { first: 49_152, last: 65_535 };
const TRIES = 64;

/**
 * Gives a task its networks before it starts, and takes all of it back when it has ended. What is asked for one
 * container must be asked one after the other; only `abandon` may come amid a `place`.
 */
export class TaskWiring {
  readonly #parts: TaskWiringParts;
  /** Starts that wait for addresses. */
  readonly #taking = new Map<ContainerId, { readonly networks: readonly NetworkId[]; isOver: boolean }>();

  constructor(parts: TaskWiringParts) {
    this.#parts = parts;
  }

  /** Where it fails nothing is left. @throws NetworkRefused, LeaseRefused */
  async place(container: Container): Promise<TaskPlace> {
    const spec = this.#parts.specOf(container);
    const { containerId } = container.request;
    const { networkMode } = spec;
    switch (networkMode) {
      case 'host':
        return { netnsPath: undefined, resolvConf: undefined, hosts: undefined };
      case 'container':
        return this.#inside(spec.networkOf as ContainerId);
      case 'none':
      case 'networks':
        try {
          return await this.#plugIn(container, spec);
        } catch (error) {
          this.#taking.delete(containerId);
          await this.release(containerId);
          // Also what was taken before it was written down.
          for (const { network } of this.#parts.connections.of(containerId, spec)) this.#give(network, containerId);
          this.#failed(containerId);
          throw error;
        }
      default:
        return assertNever(networkMode);
    }
  }

  /** A start under way that waits for an address is not wanted any more: it fails at once. */
  abandon(id: ContainerId): void {
    const taking = this.#taking.get(id);
    if (taking === undefined) return;
    taking.isOver = true;
    for (const network of taking.networks) this.#give(network, id);
  }

  /** Idempotent. The address is given back when nothing can use it any more. */
  async release(id: ContainerId): Promise<void> {
    const { network, reserver, tasks } = this.#parts;
    await network.removeNamespace(id);
    const task = tasks.get(id);
    for (const endpoint of task?.endpoints ?? []) if (task !== undefined) this.#giveBack(task, endpoint);
    // Last: a daemon that comes after a crash must know what is not given back.
    tasks.remove(id);
    reserver.release(id, 'task');
    if (task !== undefined) this.#parts.changed(id);
  }

  /**
   * Plugs a running container into one more network; its ports lead there where it has no other way out. `before`:
   * the ports it had, whose numbers stay as they were. @throws NetworkRefused with nothing changed
   */
  async connect(container: Container, task: TaskNetwork, wish: EndpointWish, before: readonly TaskPort[] = []): Promise<TaskNetwork> {
    const { lingering, network, reserver, specOf, tasks } = this.#parts;
    const id = container.request.containerId;
    const agreed = this.#networkOf(wish);
    const used = new Set(task.endpoints.map(({ interfaceName }) => interfaceName));
    let n = 0;
    while (used.has(`eth${n}`)) n++;
    const isDefaultRoute = !agreed.internal && !task.endpoints.some((each) => each.isDefaultRoute);
    try {
      const endpoint = await this.#endpoint(container, wish, `eth${n}`, isDefaultRoute);
      const plugged = { ...task, endpoints: [...task.endpoints, endpoint] };
      tasks.put(plugged);
      await this.#parts.onHost(agreed);
      await network.attach({ container: id, ...endpoint });
      const after = { ...plugged, ...(isDefaultRoute && (await this.#openPorts(container, specOf(container).ports, endpoint, before))) };
      tasks.put(after);
      lingering.retaken(id);
      this.#parts.changed(id);
      return after;
    } catch (error) {
      await network.detach(id, wish.network);
      this.#give(wish.network, id);
      if (isDefaultRoute && before.length === 0) reserver.release(id, 'task');
      tasks.put(task);
      lingering.notRetaken(id);
      this.#parts.changed(id);
      throw error;
    }
  }

  /**
   * Ports that led there lead, as its way out does, to the next of its networks that is not internal; where there is
   * none they are closed, and given back. `kept`: it is to be plugged in there again soon, and they are closed until then.
   */
  async disconnect(task: TaskNetwork, endpoint: TaskEndpoint, ports: 'given-back' | 'kept' = 'given-back'): Promise<TaskNetwork> {
    const { network, reserver, state, tasks } = this.#parts;
    await network.detach(task.container, endpoint.network);
    const isNext = (each: TaskEndpoint) => each !== endpoint && state.network(each.network)?.internal === false;
    const next = endpoint.isDefaultRoute && ports === 'given-back' ? task.endpoints.find(isNext) : undefined;
    const after = takenOff(task, endpoint, next);
    if (next === undefined && ports === 'given-back') {
      const closed = task.ports.filter((port) => port.network === endpoint.network);
      reserver.release(task.container, 'task', closed);
    }
    this.#giveBack(task, endpoint);
    tasks.put(after);
    try {
      if (next !== undefined) await network.attach({ container: task.container, ...next, isDefaultRoute: true });
    } finally {
      this.#parts.changed(task.container);
    }
    return after;
  }

  #giveBack(task: TaskNetwork, { network }: TaskEndpoint): void {
    const { container, isAskedHere, lingering } = this.#parts;
    const known = container(task.container);
    const elsewhere = known === undefined || isAskedHere(known) ? [] : lingeringOf(task, known.buyer);
    const lingers = elsewhere.find((each) => each.network === network);
    if (lingers === undefined) this.#give(network, task.container);
    else lingering.add(lingers);
  }

  /** An address that lingers goes on lingering. */
  #give(network: NetworkId, id: ContainerId): void {
    const { leases, lingering } = this.#parts;
    if (!lingering.has(id, network)) leases.give(network, id);
  }

  /** What was begun for it has failed, and is taken back. */
  #failed(id: ContainerId): void {
    // The asked node may have been told meanwhile: it is told again.
    if (this.#parts.lingering.notRetaken(id)) this.#parts.changed(id);
  }

  async #inside(other: ContainerId): Promise<TaskPlace> {
    const { container, specOf, network, tasks, filesFor } = this.#parts;
    const host = container(other);
    if (host === undefined)
      throw new NetworkRefused('not-found', `No such container: ${other.slice(0, 12)}, whose network it should share`);
    if (host.task?.state !== 'running')
      throw new NetworkRefused('conflict', `cannot join network of a non running container: ${host.name}`);
    const { networkMode } = specOf(host);
    if (networkMode === 'host') return { netnsPath: undefined, resolvConf: undefined, hosts: undefined };
    if (networkMode === 'container')
      throw new NetworkRefused('conflict', `${host.name} itself shares another container's network: name that one`);
    const task = tasks.get(other);
    const files = task === undefined ? { resolvConf: undefined, hosts: undefined } : filesFor(host, task);
    return { netnsPath: await network.makeNamespace(other), ...files };
  }

  async #plugIn(container: Container, spec: ContainerSpec): Promise<TaskPlace> {
    const { network, tasks, connections, filesFor, changed } = this.#parts;
    const id = container.request.containerId;
    const wishes = connections.of(id, spec);
    const taking = { networks: wishes.map((wish) => wish.network), isOver: false };
    this.#taking.set(id, taking);
    const netnsPath = await network.makeNamespace(id);
    if (wishes.length === 0) {
      this.#taking.delete(id);
      // It runs, and may be connected to some while it does.
      tasks.put({ container: id, endpoints: [], ports: [] });
      return { netnsPath, resolvConf: undefined, hosts: undefined };
    }
    await heardOf(this.#parts.state, taking.networks);
    const agreed = wishes.map((wish) => this.#networkOf(wish));
    const outward = agreed.findIndex(({ internal }) => !internal);
    const endpoints: TaskEndpoint[] = [];
    for (const [n, wish] of wishes.entries()) {
      if (!taking.isOver) endpoints.push(await this.#endpoint(container, wish, `eth${n}`, n === outward));
    }
    this.#taking.delete(id);
    if (taking.isOver) throw new NetworkRefused('conflict', `container ${container.name} was ended while it was being started`);
    // Written before anything uses an address: a daemon that comes after a crash must not give it to another.
    tasks.put({ container: id, endpoints, ports: [] });
    for (const each of agreed) await this.#parts.onHost(each);
    for (const endpoint of endpoints) await network.attach({ container: id, ...endpoint });
    const task = { container: id, endpoints, ...(await this.#openPorts(container, spec.ports, endpoints[outward], [])) };
    tasks.put(task);
    this.#parts.lingering.retaken(id);
    changed(id);
    if (task.ports.length > 0) await network.settled(task.ports.map((port) => port.network));
    return { netnsPath, ...filesFor(container, task) };
  }

  #networkOf(wish: EndpointWish): AgreedNetwork {
    const agreed = this.#parts.state.network(wish.network);
    if (agreed === undefined)
      throw new NetworkRefused(
        'not-found',
        `network ${wish.networkName} (${wish.network.slice(0, 12)}) not found: it was removed; disconnect the container from it`,
      );
    const closed = this.#parts.closed(agreed);
    if (closed !== undefined)
      throw new NetworkRefused('forbidden', `this node can't take part in network ${agreed.name}: ${closed}; use another network or node`);
    return agreed;
  }

  async #endpoint(container: Container, wish: EndpointWish, interfaceName: string, isDefaultRoute: boolean): Promise<TaskEndpoint> {
    const asked = wish.ip === '' ? undefined : parseIpv4(wish.ip);
    const id = container.request.containerId;
    this.#parts.lingering.retake(id, wish.network);
    const address = await this.#parts.leases.take(wish.network, container.request.containerId, asked).catch((error: unknown) => {
      throw error instanceof LeaseRefused ? refusalOf(error) : error;
    });
    return {
      network: wish.network,
      address,
      interfaceName,
      isDefaultRoute,
      mac: wish.mac === '' ? undefined : wish.mac,
      names: endpointNames(container, this.#parts.specOf(container).hostname, wish),
    };
  }

  async #openPorts(
    container: Container,
    wishes: readonly PortWish[],
    endpoint: TaskEndpoint | undefined,
    before: readonly TaskPort[],
  ): Promise<Pick<TaskNetwork, 'ports' | 'portsElsewhere'>> {
    if (endpoint === undefined || wishes.length === 0) return { ports: [] };
    const id = container.request.containerId;
    const { network, address } = endpoint;
    const lead = (host: HostPort, containerPort: number): TaskPort => ({ ...host, containerPort, network, address });
    const ports: TaskPort[] = [];
    const portsElsewhere: TaskPort[] = [];
    for (const wish of wishes.filter(({ hostPort }) => hostPort > 0)) {
      const port = hostPortOf(wish);
      const list = (await this.#isHere(container, port)) ? ports : portsElsewhere;
      list.push(lead(port, wish.containerPort));
    }
    for (const wish of wishes) {
      if (wish.hostPort !== 0) continue;
      const had = before.find((port) => isOf(wish, port) && !ports.some((other) => portsClash(other, port)));
      ports.push(lead(await this.#anyPort(id, wish, had), wish.containerPort));
    }
    return portsElsewhere.length === 0 ? { ports } : { ports, portsElsewhere };
  }

  /** False: it is at an address of the node that was asked, which has it open already. @throws NetworkRefused where nobody can serve it */
  async #isHere(container: Container, { protocol, ip, port }: HostPort): Promise<boolean> {
    const { reserver, isAskedHere } = this.#parts;
    try {
      await reserver.reserve(container.request.containerId, 'task', [{ protocol, ip, port }]);
      return true;
    } catch (error) {
      if (!(error instanceof PortTaken)) throw error;
      if (error.why === 'elsewhere' && !isAskedHere(container)) return false;
      throw refusedPort(error);
    }
  }

  /** `had`: the one it had before, which is its own still. */
  async #anyPort(id: ContainerId, wish: PortWish, had: HostPort | undefined): Promise<HostPort> {
    const { reserver } = this.#parts;
    for (let tries = 0; tries < TRIES; tries++) {
      const again = tries === 0 ? had?.port : undefined;
      const port = hostPortOf({ ...wish, hostPort: again ?? randomInt(DYNAMIC.first, DYNAMIC.last + 1) });
      // Another of its own wishes may have it.
      if (again === undefined && reserver.has(id, port)) continue;
      try {
        await reserver.reserve(id, 'task', [port]);
        return port;
      } catch (error) {
        if (error instanceof PortTaken && error.why === 'elsewhere') throw refusedPort(error);
      }
    }
    throw new NetworkRefused(
      'conflict',
      `no free port from ${DYNAMIC.first} to ${DYNAMIC.last} was found for ${wish.containerPort}/${wish.protocol} in ${TRIES} tries`,
    );
  }
}

const isOf = (wish: PortWish, port: TaskPort): boolean =>
  port.containerPort === wish.containerPort && port.protocol === wish.protocol && port.ip === hostPortOf(wish).ip;

/** `next`: where its way out and its published ports lead from now on. */
function takenOff(task: TaskNetwork, endpoint: TaskEndpoint, next: TaskEndpoint | undefined): TaskNetwork {
  const led = (ports: readonly TaskPort[] = []): readonly TaskPort[] =>
    ports.flatMap((port) => {
      if (port.network !== endpoint.network) return [port];
      return next === undefined ? [] : [{ ...port, network: next.network, address: next.address }];
    });
  const endpoints = task.endpoints.filter((each) => each !== endpoint);
  return {
    ...task,
    endpoints: endpoints.map((each) => (each === next ? { ...each, isDefaultRoute: true } : each)),
    ports: led(task.ports),
    portsElsewhere: led(task.portsElsewhere),
  };
}

function refusalOf({ code, message }: LeaseRefused): NetworkRefused {
  switch (code) {
    case 'no-agreement':
      return new NetworkRefused('no-agreement', message);
    case 'no-network':
      return new NetworkRefused('not-found', message);
    case 'out-of-subnet':
      return new NetworkRefused('invalid', message);
    case 'in-use':
    case 'exhausted':
      return new NetworkRefused('conflict', message);
    default:
      return assertNever(code);
  }
}
