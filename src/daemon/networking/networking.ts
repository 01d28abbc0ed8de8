import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { AgreedState } from '../../agreement/state/port.ts';
import type { NetworkService } from '../../api/network-service.ts';
import { type Command, type Container, type ContainerId, type Event, type NodeId, type Result } from '../../core/model/index.ts';
import type { CoreNode } from '../../core/node/port.ts';
import { KeyedLock } from '../../engine/oci/keyed-lock.ts';
import type { ContainerSpec, EndpointLink, Engine, TaskPlace } from '../../engine/port.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import type { DnsServer } from '../../network/dns/port.ts';
import type { Network } from '../../network/port.ts';
import type { Store } from '../../store/port.ts';
import type { PeerRequest, PeerResponse } from '../../transport/port.ts';
import type { Log } from '../log.ts';
import { AskedNodes } from './asked-nodes.ts';
import { ClaimSweep } from './claim-sweep.ts';
import { Connections } from './connections.ts';
import { endpointNames } from './endpoint-names.ts';
import { FactsFeed, type ForeignRoute } from './facts-feed.ts';
import { FirstBlock } from './first-block.ts';
import { HostFollower } from './host-follower.ts';
import { LEASE_BODY_BYTES, LEASES_PATH, type Leases } from './leases.ts';
import { LingeringAddresses } from './lingering-addresses.ts';
import { PortAnnouncer, PORTS_PATH } from './port-announcer.ts';
import { PortClaims } from './port-claims.ts';
import { PortReserver } from './port-reserver.ts';
import { PortServer } from './port-server.ts';
import { Renumbering } from './renumbering.ts';
import { requestBody } from './request-body.ts';
import { createNetworkService } from './service.ts';
import type { TaskNetwork } from './task-network.ts';
import type { TaskNetworks } from './task-networks.ts';
import { TaskWiring } from './task-wiring.ts';

export interface NetworkingParts {
  readonly tasks: TaskNetworks;
  readonly store: Store;
  readonly network: Network;
  readonly leases: Leases;
  readonly state: AgreedState;
  readonly node: Pick<CoreNode, 'self' | 'members' | 'member' | 'container' | 'containers'>;
  readonly engine: Pick<Engine, 'place'>;
  readonly vxlanPort: number;
  readonly innerRange: Cidr;
  /** The host's routes but for this node's own. */
  readonly foreignRoutes: () => readonly ForeignRoute[];
  /** /etc/resolv.conf and /etc/hosts of a container. */
  readonly filesFor: (
    container: Container,
    spec: ContainerSpec,
    task: TaskNetwork,
  ) => { readonly resolvConf: string; readonly hosts: string };
  /** Where containers ask for names. */
  readonly dns: Pick<DnsServer, 'listen' | 'forget' | 'close'>;
  readonly doctor: NetworkService['doctor'];
  readonly command: (command: Command) => Promise<Result>;
  /** @throws PeerUnreachable */
  readonly request: (peer: NodeId, request: PeerRequest) => Promise<PeerResponse>;
  readonly log: Log;
  readonly wallMs: () => number;
}

export const NETWORK_PATH = '/network/';
/** A message of LIMITS.hostPorts ports, and more. */
const BODY_BYTES = 65_536;

/**
 * Networks in the daemon: what containers have of them, what the kernel should have therefore, and what peers
 * are told. Every task's networks are made before it starts and taken back when it has ended.
 */
export class Networking {
  readonly service: NetworkService;
  readonly #parts: NetworkingParts;
  readonly #tasks: TaskNetworks;
  readonly #connections: Connections;
  readonly #reserver: PortReserver;
  readonly #claims: PortClaims;
  readonly #announcer: PortAnnouncer;
  readonly #askedNodes: AskedNodes;
  readonly #lingering: LingeringAddresses;
  readonly #wiring: TaskWiring;
  readonly #facts: FactsFeed;
  readonly #stops: (() => void)[] = [];
  readonly #sweep: ClaimSweep;
  readonly #renumbering: Renumbering;
  /** One thing at a time is done to a container. */
  readonly #turns = new KeyedLock<ContainerId>();
  readonly #portServer: PortServer;
  readonly #host: HostFollower;
  readonly #firstBlock: FirstBlock;
  #closed = false;

  constructor(parts: NetworkingParts) {
    this.#parts = parts;
    const { tasks, store, network, leases, state, node, log } = parts;
    this.#tasks = tasks;
    this.#connections = new Connections(store);
    const isGateway = (ip: number) => state.networks().some(({ gateway }) => gateway === ip);
    this.#reserver = new PortReserver(isGateway, () => this.#facts.keptChanged());
    this.#claims = new PortClaims(store, this.#reserver, () => performance.now(), log);
    this.#lingering = new LingeringAddresses(store, leases);
    this.#announcer = new PortAnnouncer({
      request: (peer, request) => parts.request(peer, request),
      stateOf: (peer) => node.member(peer)?.state,
      incarnation: () => node.self().incarnation,
      heard: (message) => this.#lingering.heard(message),
      log,
    });
    this.#askedNodes = new AskedNodes({ announcer: this.#announcer, lingering: this.#lingering, tasks, node, state, specOf });
    this.#host = new HostFollower({ ...parts, claims: this.#claims });
    this.#firstBlock = new FirstBlock(parts);
    this.#wiring = new TaskWiring({
      network,
      leases,
      lingering: this.#lingering,
      state,
      tasks: this.#tasks,
      connections: this.#connections,
      reserver: this.#reserver,
      container: (id) => node.container(id),
      specOf,
      isAskedHere: ({ buyer }) => buyer === node.self().id,
      closed: ({ vni }) => this.#facts.closed(vni),
      onHost: (agreed) => this.#host.onHost(agreed),
      changed: (id) => this.#changed(id),
      filesFor: (container, task) => parts.filesFor(container, specOf(container), task),
    });
    this.#facts = new FactsFeed({
      networks: () => state.networks(),
      foreignRoutes: () => parts.foreignRoutes(),
      keptPorts: () => this.#reserver.all().map((port) => ({ ...port, name: this.#nameOf(port.container) })),
      tell: (facts) => void parts.command({ kind: 'host-facts', facts }),
      log,
    });
    this.#portServer = new PortServer({
      claims: this.#claims,
      isOpen: (id) => this.#facts.closed(state.network(id)?.vni ?? 0) === undefined,
      changed: () => {
        this.#host.update();
        void this.#facts.look();
      },
      settled: (networks) => network.settled(networks),
    });
    this.#sweep = new ClaimSweep({
      claims: this.#claims,
      node,
      request: (peer, request) => parts.request(peer, request),
      release: (id) => this.#releaseClaim(id),
      removed: () => state.nodes().flatMap((each) => (each.state === 'in' ? [] : [each.id])),
      log,
    });
    this.#renumbering = new Renumbering({
      tasks,
      connections: this.#connections,
      wiring: this.#wiring,
      turns: this.#turns,
      container: (id) => node.container(id),
      isNetwork: (id) => state.network(id) !== undefined,
      specOf,
      place: (id, files) => parts.engine.place(id, files),
      filesFor: (container, task) => parts.filesFor(container, specOf(container), task),
      log,
    });
    this.service = createNetworkService({
      ...parts,
      turns: this.#turns,
      tasks: this.#tasks,
      connections: this.#connections,
      wiring: this.#wiring,
      claims: this.#claims,
      announcer: this.#announcer,
      askedNodes: this.#askedNodes,
      lingering: this.#lingering,
      specOf,
      claimsChanged: () => void this.#facts.look(),
    });
  }

  /** Before the core starts: what runs keeps what it has, what is left of the rest goes. Waits for no agreement. */
  async recover(isRunning: (id: ContainerId) => boolean): Promise<void> {
    const { leases, log, network, state } = this.#parts;
    this.#askedNodes.ended(this.#tasks.load(isRunning, log));
    this.#renumbering.prune();
    const kept = this.#tasks.all();
    this.#askedNodes.kept(kept);
    const attached = kept.flatMap(({ container, endpoints }) => endpoints.map((each) => ({ container, ...each })));
    leases.start([...this.#lingering.all(), ...attached]);
    this.#stops.push(
      leases.onRenumber((container, id) => {
        const address = leases.inUse(id).get(container);
        if (address !== undefined) void this.#renumbering.revoked(container, id, address);
      }),
      state.onChange(() => {
        this.#sweep.forgetRemoved();
        this.#host.update();
        void this.#firstBlock.keep();
      }),
    );
    for (const { container, port } of kept.flatMap(({ container, ports }) => ports.map((port) => ({ container, port })))) {
      await this.#reserver.reserve(container, 'task', [port]).catch((error: unknown) => {
        log('warn', 'a published port was taken meanwhile', { container, error: String(error) });
      });
    }
    await this.#claims.start();
    this.#host.update();
    await network.recover(isRunning, attached);
  }

  /**
   * Once the core runs. A node that has no address yet of the default network waits a while for a block: it is ready
   * when containers can start.
   */
  async start(): Promise<void> {
    for (const task of this.#tasks.all()) this.#publish(task.container);
    this.#askedNodes.start();
    this.#facts.start();
    this.#host.update();
    this.#sweep.start();
    this.#renumbering.resume();
    await this.#firstBlock.keep();
    if (!this.#firstBlock.isKept) this.#parts.log('warn', 'the default network is not known here yet: containers wait for it', {});
  }

  /** What a task starts in. @throws NetworkRefused with nothing left behind */
  place(container: Container): Promise<TaskPlace> {
    return this.#turns.run(container.request.containerId, () => this.#wiring.place(container));
  }

  /** A task has ended, or did not start. Idempotent. */
  release(id: ContainerId): Promise<void> {
    this.#wiring.abandon(id);
    return this.#turns.run(id, () => this.#wiring.release(id)).finally(() => this.#claims.ended(id));
  }

  /** A container is removed. */
  async forget(container: Container | undefined, id: ContainerId): Promise<void> {
    this.#wiring.abandon(id);
    await this.#turns.run(id, async () => {
      await this.#wiring.release(id);
      this.#connections.forget(id);
    });
    if (container === undefined || specOf(container).ports.length === 0) return;
    if (container.buyer === this.#parts.node.self().id) this.#releaseClaim(id);
    else await this.#announcer.announce(container.buyer, { container: id, ports: [], gone: true });
  }

  /** The core's events. */
  see(event: Event): void {
    switch (event.kind) {
      case 'member-alive':
        this.#announcer.memberAlive(event.member.id);
        this.#host.update();
        return;
      case 'member-left':
        this.#announcer.memberLeft(event.nodeId);
        this.#sweep.forgetRemoved();
        this.#host.update();
        return;
      case 'container-renamed':
        void this.#renamed(event.containerId);
        return;
      case 'run-placed':
        this.#claims.placed(event.containerId, event.supplier);
        return;
      default:
    }
  }

  /** Answers paths under NETWORK_PATH, but for the doctor's. */
  async servePeer(peer: NodeId, request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const path = request.url;
    try {
      if (path.startsWith(LEASES_PATH)) {
        this.#askedNodes.forgetGone();
        const answer = await this.#parts.leases.servePeer(path, peer, await requestBody(request, LEASE_BODY_BYTES));
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
      } else if (path === PORTS_PATH) {
        const answer = await this.#portServer.answer(peer, await requestBody(request, BODY_BYTES));
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
      } else if (path.startsWith(`${PORTS_PATH}/`)) {
        const id = path.slice(PORTS_PATH.length + 1) as ContainerId;
        response.writeHead(this.#parts.node.container(id) === undefined ? 404 : 204).end();
      } else response.writeHead(404).end();
    } catch (error) {
      this.#parts.log('debug', 'a peer’s question about networks could not be answered', { peer, path, error: String(error) });
      if (!response.headersSent) response.writeHead(500);
      response.end();
    }
  }

  /** Which routes of this host overlap which networks, now. */
  overlaps(): readonly string[] {
    return this.#facts.closedNetworks().map(({ why }) => why);
  }

  /** The kernel keeps all. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.close();
    this.#askedNodes.close();
    this.#sweep.close();
    this.#renumbering.close();
    for (const stop of this.#stops) stop();
    this.#facts.close();
    this.#announcer.close();
    this.#parts.leases.close();
    this.#reserver.close();
    await this.#parts.dns.close();
  }

  #changed(id: ContainerId): void {
    this.#host.update();
    this.#publish(id);
  }

  /** The directory learns names and addresses; the node that was asked, where ports lead. */
  #publish(id: ContainerId): void {
    const { command } = this.#parts;
    const task = this.#tasks.get(id);
    const endpoints = (task?.endpoints ?? []).map(({ network, address, names }) => ({ container: id, network, address, names }));
    void command({ kind: 'endpoints', containerId: id, endpoints });
    this.#parts.dns.forget();
    this.#askedNodes.tell(id);
  }

  /** Never rejects. */
  async #renamed(id: ContainerId): Promise<void> {
    try {
      await this.#turns.run(id, async () => this.#rename(id));
    } catch (error) {
      this.#parts.log('warn', 'a container is called by its old name on its networks', { container: id, error: String(error) });
    }
  }

  /** `--link` of a container of this node, on any of its networks. */
  linksOf(id: ContainerId): readonly EndpointLink[] {
    const container = this.#parts.node.container(id);
    return container === undefined ? [] : this.#connections.of(id, specOf(container)).flatMap(({ links }) => links ?? []);
  }

  #rename(id: ContainerId): void {
    const task = this.#tasks.get(id);
    const container = this.#parts.node.container(id);
    if (task === undefined || container === undefined) return;
    const spec = specOf(container);
    const wishes = this.#connections.of(id, spec);
    const endpoints = task.endpoints.map((endpoint) => {
      const wish = wishes.find(({ network }) => network === endpoint.network);
      return wish === undefined ? endpoint : { ...endpoint, names: endpointNames(container, spec.hostname, wish) };
    });
    this.#tasks.put({ ...task, endpoints });
    this.#publish(id);
  }

  #releaseClaim(id: ContainerId): void {
    this.#claims.release(id);
    this.#host.update();
    void this.#facts.look();
  }

  #nameOf(id: ContainerId): string {
    return this.#parts.node.container(id)?.name ?? id.slice(0, 12);
  }
}

const specOf = (container: Container): ContainerSpec => JSON.parse(container.request.spec) as ContainerSpec;
