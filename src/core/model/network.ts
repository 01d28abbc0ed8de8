import type { Cidr } from '../../lib/ipv4.ts';
import { formatIpv4 } from '../../lib/ipv4.ts';
import type { ContainerId, NodeId } from './ids.ts';

/** 64 lower-case hex digits, as Docker's. */
export type NetworkId = string & { readonly networkBrand: unique symbol };

/** The network that a plain `run` joins, and that every node is on. */
export const DEFAULT_NETWORK = 'caravela';

/** A container network as agreed; immutable once it is. */
export interface AgreedNetwork {
  readonly id: NetworkId;
  /** Unique in the instance. */
  readonly name: string;
  readonly subnet: Cidr;
  /** The same on every host; the subnet's first address unless asked otherwise. */
  readonly gateway: number;
  /** 24 bits (RFC 7348), unique in the instance. */
  readonly vni: number;
  /** Nothing goes out but to the network itself. */
  readonly internal: boolean;
  /** `--opt mtu=`; undefined: what the underlay gives. */
  readonly mtu: number | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** As given, `mtu` among them. */
  readonly options: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
}

/** An agreed right of one node to a block of a network's addresses; ends by return or by removal, never by time. */
export interface Lease {
  readonly network: NetworkId;
  /** Of any length down to /32; leases of one network never overlap, except that a /32 (`--ip`) may lie inside another's block, and beats it. */
  readonly block: Cidr;
  readonly node: NodeId;
}

/** A node as the instance has agreed on it. */
export interface AgreedNode {
  readonly id: NodeId;
  /** Unique among those that are not removed. */
  readonly name: string;
  /** Unique for ever; from 1. VTEP MAC and inner address derive from it. */
  readonly number: number;
  /** `removed`: by `nodes rm` or after long absence; its certificate is not taken any more. `left`: by itself. */
  readonly state: 'in' | 'left' | 'removed';
  readonly sinceMs: number;
}

/** What a copy of the agreed state is worth: compare epoch (grows with each recover or restore) first, then revision. */
export interface AgreedVersion {
  readonly epoch: number;
  /** etcd's. */
  readonly revision: number;
}

export const NO_VERSION: AgreedVersion = { epoch: 0, revision: 0 };

export function newerVersion(a: AgreedVersion, b: AgreedVersion): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.revision > b.revision);
}

/** A container's attachment to a network: what its node keeps, and tells the name directory. */
export interface Endpoint {
  readonly container: ContainerId;
  readonly network: NetworkId;
  readonly address: number;
  /** Name, aliases and short id: how it is called on the network. */
  readonly names: readonly string[];
}

export const PORT_PROTOCOLS = ['tcp', 'udp'] as const;
export type PortProtocol = (typeof PORT_PROTOCOLS)[number];

/** A port of a host that a container wants, or has, for itself. */
export interface HostPort {
  readonly protocol: PortProtocol;
  /** 0.0.0.0 as 0: every address of the host. */
  readonly ip: number;
  /** 1 to 65535. */
  readonly port: number;
}

/** Whether both can't be had on one host. */
export function portsClash(a: HostPort, b: HostPort): boolean {
  return a.protocol === b.protocol && a.port === b.port && (a.ip === b.ip || a.ip === 0 || b.ip === 0);
}

/** `8080/tcp`; `10.0.0.1:8080/tcp` where it is of one address only. */
export const portWords = ({ protocol, ip, port }: HostPort): string => `${ip === 0 ? '' : `${formatIpv4(ip)}:`}${port}/${protocol}`;

/** What a node's supplier is told of its host, to refuse in time what could not start here. */
export interface HostFacts {
  /** Ports taken by others than the containers that ask for them in their request; `owner`: a container that may have it all the same. */
  readonly busyPorts: readonly (HostPort & { readonly owner: ContainerId | undefined; readonly by: string })[];
  /** Networks that this host can't take part in, by VNI, and why: `its route 10.0.0.0/8 (eth0) overlaps`. */
  readonly closedNetworks: readonly { readonly vni: number; readonly why: string }[];
}
