import type { EndpointLink } from '../engine/port.ts';
import type { AgreedNetwork, ContainerId, HostPort, Lease, NetworkId, NodeId, PortProtocol } from '../core/model/index.ts';

/** What to create: checked for shape by the API, for the rest by the service. */
export interface NetworkWish {
  readonly name: string;
  /** Blocks and addresses as typed; undefined: chosen. */
  readonly subnet: string | undefined;
  readonly gateway: string | undefined;
  readonly internal: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
}

/** How a container joins a network it was not created with. */
export interface ConnectWish {
  readonly ip: string | undefined;
  readonly aliases: readonly string[];
  readonly mac: string | undefined;
  readonly links?: readonly EndpointLink[];
}

/** A container of this node on a network; address and MAC are '' while it doesn't run. */
export interface EndpointFacts {
  readonly container: ContainerId;
  readonly containerName: string;
  readonly network: NetworkId;
  readonly networkName: string;
  readonly endpointId: string;
  readonly address: string;
  readonly prefix: number;
  readonly gateway: string;
  readonly mac: string;
  readonly interfaceName: string;
  /** As asked, without the name and the short id. */
  readonly aliases: readonly string[];
  /** `--ip`; '' where any would do. */
  readonly askedIp: string;
  /** Absent: none. */
  readonly links?: readonly EndpointLink[];
}

/** Where a published port of a container of this node is served. */
export interface PortFacts {
  readonly containerPort: number;
  readonly protocol: PortProtocol;
  /** '0.0.0.0' for every address. */
  readonly hostIp: string;
  readonly hostPort: number;
  /** The node that runs the container, or the one that was asked for it. */
  readonly node: NodeId;
}

/** One thing that `network doctor` looked at. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'problem';
  /** What was seen, with figures. */
  readonly seen: string;
  /** What to do; '' where nothing is. */
  readonly advice: string;
}

/** One that a request names. */
export interface ClaimedPort {
  readonly protocol: PortProtocol;
  readonly hostIp: string;
  readonly hostPort: number;
}

/** Why a network can't be made, changed or used: maps to a status; the message is for people. */
export class NetworkRefused extends Error {
  override name = 'NetworkRefused';
  readonly code: 'invalid' | 'conflict' | 'not-found' | 'in-use' | 'forbidden' | 'no-agreement' | 'failed';
  constructor(code: NetworkRefused['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** A port of the host that was to be kept here is another's. */
export class PortRefused extends NetworkRefused {
  readonly port: HostPort;
  /** undefined: no container has it. */
  readonly by: ContainerId | undefined;
  constructor(message: string, port: HostPort, by?: ContainerId) {
    super('conflict', message);
    this.port = port;
    this.by = by;
  }
}

/** Networks, as the API asks the daemon for them. Lists are this node's copy of what is agreed. */
export interface NetworkService {
  list(): readonly AgreedNetwork[];
  leases(network: NetworkId): readonly Lease[];
  /** Of this node, of one network or all. */
  endpoints(network: NetworkId | undefined): readonly EndpointFacts[];
  endpointsOf(container: ContainerId): readonly EndpointFacts[];
  portsOf(container: ContainerId): readonly PortFacts[];
  /** Agreed when it returns, usable here. @throws NetworkRefused */
  create(wish: NetworkWish): Promise<AgreedNetwork>;
  /** The network of exactly this subnet, made where there is none. @throws NetworkRefused */
  ofSubnet(cidr: string): Promise<AgreedNetwork>;
  /** @throws NetworkRefused in-use, with who uses it */
  remove(network: NetworkId): Promise<void>;
  /** A container of this node. @throws NetworkRefused */
  connect(container: ContainerId, network: NetworkId, wish: ConnectWish): Promise<void>;
  /** A container of this node. @throws NetworkRefused */
  disconnect(container: ContainerId, network: NetworkId, force: boolean): Promise<void>;
  /** At the node that was asked for a container with published ports: keeps these ports for it before it is placed. @throws NetworkRefused conflict: to be awaited */
  claimPorts(container: ContainerId, ports: readonly ClaimedPort[]): Promise<void>;
  /** The same where another container has them, as Docker: it is to have them from its start, once that one runs no more. @throws NetworkRefused */
  claimPortsLater(container: ContainerId, ports: readonly ClaimedPort[]): void;
  /** Before a container is started by this node, wherever it is. @throws NetworkRefused conflict, where a running one has its ports */
  startingPorts(container: ContainerId): Promise<void>;
  /** It was not placed after all. */
  releasePorts(container: ContainerId): void;
  doctor(): Promise<readonly Finding[]>;
}
