import type { ContainerId, NetworkId, PortProtocol } from '../core/model/index.ts';
import type { Cidr } from '../lib/ipv4.ts';

/** What of the kernel is this node's, all of it, computed from state (DESIGN §2.6). Addresses as numbers. */
export interface HostNetworks {
  readonly self: {
    /** Agreed; VTEP MAC and inner address derive from it. */
    readonly number: number;
    readonly underlayIp: string;
    readonly underlayMtu: number;
  };
  readonly vxlanPort: number;
  /** Where inner addresses are taken from: 198.18.0.0/15 unless configured. */
  readonly innerRange: Cidr;
  /** Everybody whose VXLAN frames are taken: underlay IPs of the instance's members. */
  readonly members: readonly { readonly number: number; readonly underlayIp: string }[];
  readonly networks: readonly NetworkOnHost[];
  readonly ports: readonly PublishedPort[];
}

/** A network that this host is on: it has a lease of it, an endpoint, or serves a port of a container there. */
export interface NetworkOnHost {
  readonly id: NetworkId;
  readonly name: string;
  readonly vni: number;
  readonly subnet: Cidr;
  readonly gateway: number;
  readonly internal: boolean;
  readonly mtu: number | undefined;
  /** The network whose device also routes the inner addresses of all members. */
  readonly isDefault: boolean;
  /** What this host itself leases of it: addresses that are on its bridge. */
  readonly blocks: readonly Cidr[];
  /** Other hosts with a lease of it. */
  readonly peers: readonly NetworkPeer[];
}

export interface NetworkPeer {
  readonly number: number;
  readonly underlayIp: string;
  readonly underlayMtu: number;
  readonly blocks: readonly Cidr[];
}

/** A port of this host that leads to a container, here or on another host. */
export interface PublishedPort {
  readonly container: ContainerId;
  readonly network: NetworkId;
  readonly protocol: PortProtocol;
  /** 0: every address of the host. */
  readonly hostIp: number;
  readonly hostPort: number;
  readonly address: number;
  readonly containerPort: number;
}

/** One interface in a container. */
export interface Attached {
  readonly container: ContainerId;
  readonly network: NetworkId;
  readonly address: number;
  /** In the container: eth0, eth1 … */
  readonly interfaceName: string;
  /** Whether its gateway is the container's default route: the first network that is not internal. */
  readonly isDefaultRoute: boolean;
  /** undefined: 02:42 and the address. `aa:bb:cc:dd:ee:ff` */
  readonly mac: string | undefined;
}

/** Gives containers their network. What it makes in the kernel carries this node's short id. */
export interface Network {
  /** An own namespace with loopback, at a path for the engine to join; the same again when asked again. */
  makeNamespace(id: ContainerId): Promise<string>;
  /** Interfaces and all of it. Idempotent; resolves before the kernel's own teardown has ended. */
  removeNamespace(id: ContainerId): Promise<void>;
  /**
   * What the kernel should have from now on. Returns at once; the kernel follows within 50 ms or so, the newest
   * wish only. Errors are logged and tried again.
   */
  want(state: HostNetworks): void;
  /**
   * The kernel has what was wanted last of these networks, and what all stand on; undefined: of all.
   * @throws Error with what could not be done
   */
  settled(networks?: readonly NetworkId[]): Promise<void>;
  /**
   * Plugs a container in, its namespace being there. The network must be among the wanted. Idempotent: an interface
   * that is there as asked stays. Rejects with nothing left behind.
   */
  attach(endpoint: Attached): Promise<void>;
  /** Takes one interface away. Idempotent. */
  detach(container: ContainerId, network: NetworkId): Promise<void>;
  /** After a start: namespaces that `known` denies go, interfaces that are not in `endpoints` go, those missing are made. */
  recover(known: (id: ContainerId) => boolean, endpoints: readonly Attached[]): Promise<void>;
  /** Stops watching; the kernel keeps all: containers run on. */
  close(): Promise<void>;
  /** Takes all that is this node's out of the kernel: it leaves. */
  removeAll(): Promise<void>;
}
