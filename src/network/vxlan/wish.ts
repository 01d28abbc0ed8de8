import type { ContainerId, NetworkId } from '../../core/model/index.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import type { FirewallWish } from './firewall/sets.ts';

/**
 * What the kernel should have of ours, as data: computed by `plan`, held against what is there by `difference`. Each
 * map's key is what the kernel tells objects apart by, so an object is there, is there otherwise, or isn't. Devices
 * go by name here; what the kernel numbers them is known only when they are there.
 */
export interface KernelWish {
  readonly links: ReadonlyMap<string, LinkWish>;
  /** Key: device, address and prefix length. */
  readonly addresses: ReadonlyMap<string, AddressWish>;
  /** Key: block, and metric where it has one. */
  readonly routes: ReadonlyMap<string, RouteWish>;
  /** Key: device and address. All are permanent. */
  readonly neighbours: ReadonlyMap<string, NeighbourWish>;
  /** Key: device and MAC. All are permanent. */
  readonly fdb: ReadonlyMap<string, FdbWish>;
  /** By path below /proc/sys/net. */
  readonly sysctls: ReadonlyMap<string, string>;
  readonly firewall: FirewallWish;
}

export type LinkWish = BridgeWish | TunnelWish | PortWish;

interface AnyLink {
  readonly name: string;
  readonly alias: string;
  readonly mtu: number;
}

export interface BridgeWish extends AnyLink {
  readonly kind: 'bridge';
  readonly mac: string;
}

/** A VXLAN device. */
export interface TunnelWish extends AnyLink {
  readonly kind: 'tunnel';
  readonly mac: string;
  readonly vni: number;
  readonly port: number;
  /** Source of the outer packets. */
  readonly local: number;
}

/** The host's end of a container's interface. */
export interface PortWish extends AnyLink {
  readonly kind: 'port';
  /** Name of the bridge. undefined: of a network that this host has no more; it is left as it is. */
  readonly bridge: string | undefined;
}

export interface AddressWish {
  readonly link: string;
  readonly address: number;
  readonly prefix: number;
}

export interface RouteWish {
  readonly destination: Cidr;
  /** undefined: unreachable. */
  readonly link: string | undefined;
  /** undefined: on the device itself. */
  readonly via: number | undefined;
  /** 0: the device's. */
  readonly mtu: number;
  readonly metric: number;
}

export interface NeighbourWish {
  readonly link: string;
  readonly address: number;
  readonly mac: string;
}

export interface FdbWish {
  readonly link: string;
  readonly mac: string;
  readonly remote: number;
}

/** A container's interface as this host has it. */
export interface EndpointOnHost {
  readonly container: ContainerId;
  readonly network: NetworkId;
  readonly address: number;
  readonly mac: string;
  /** Name of the host's end. */
  readonly port: string;
}

export const addressKey = ({ link, address, prefix }: AddressWish): string => `${link} ${address}/${prefix}`;
export const neighbourKey = ({ link, address }: NeighbourWish): string => `${link} ${address}`;
export const fdbKey = ({ link, mac }: Pick<FdbWish, 'link' | 'mac'>): string => `${link} ${mac}`;
export const routeKey = ({ destination, metric }: RouteWish): string => `${destination.base}/${destination.prefix} ${metric}`;
