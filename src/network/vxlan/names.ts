import { createHash } from 'node:crypto';
import type { ContainerId, NetworkId } from '../../core/model/index.ts';
import { formatIpv4 } from '../../lib/ipv4.ts';

/**
 * What this node's things are called in the kernel. Device names have 15 bytes (IFNAMSIZ): `cv`, 6 digits of the
 * node's short id, a letter for what it is, and 6 digits of which one. The alias of a device tells the rest.
 */
export class Names {
  /** All devices begin with it; those of one kind with `bridges`, `tunnels` or `ports`. */
  readonly devices: string;
  readonly bridges: string;
  readonly tunnels: string;
  readonly ports: string;
  /** The nftables tables, of the families ip and bridge. */
  readonly table: string;
  /** Marks routes that have no device: no other daemon of this host has this one. */
  readonly metric: number;
  /** In each alias. */
  readonly owner: string;

  /** @param shortId the first 12 digits of the node's id */
  constructor(shortId: string) {
    const digits = shortId.slice(0, 6);
    this.devices = `cv${digits}`;
    this.bridges = `${this.devices}b`;
    this.tunnels = `${this.devices}x`;
    this.ports = `${this.devices}v`;
    this.table = `caravela-${shortId}`;
    this.metric = 0xca00_0000 + Number.parseInt(digits, 16);
    this.owner = `caravela ${shortId}`;
  }

  bridge(vni: number): string {
    return `${this.bridges}${hex6(vni)}`;
  }

  /** The VXLAN device. */
  tunnel(vni: number): string {
    return `${this.tunnels}${hex6(vni)}`;
  }

  /** The host's end of a container's interface. `attempt`: 0, or more where the name before is another's. */
  port(container: ContainerId, network: NetworkId, attempt: number): string {
    return `${this.ports}${createHash('sha256').update(`${container} ${network} ${attempt}`).digest('hex').slice(0, 6)}`;
  }
}

/** Of the host with this number; locally administered (IEEE 802). */
export const tunnelMac = (number: number): string => mac('0a:ca', number);
/** The same on every host, so that a container needs not learn another when it meets it. */
export const gatewayMac = (gateway: number): string => mac('0a:cb', gateway);
/** As Docker's: of a container's interface that asks for no other. */
export const endpointMac = (address: number): string => mac('02:42', address);

/** Of the host's end of such an interface, which nobody ever sends to. */
export const portMac = (address: number): string => mac('0a:cc', address);

function mac(prefix: string, four: number): string {
  const digits = four.toString(16).padStart(8, '0');
  return `${prefix}:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4, 6)}:${digits.slice(6)}`;
}

/** Words that say what a device is. @param what `network web` */
export const alias = (names: Names, what: string): string => `${names.owner} ${what}`;

/** All of an endpoint that its port must tell a daemon that starts: fields of the alias. */
export interface PortStory {
  readonly container: ContainerId;
  readonly network: NetworkId;
  readonly address: number;
  readonly mac: string;
}

export const portAlias = (names: Names, { container, network, address, mac: of }: PortStory): string =>
  alias(names, `container ${container} network ${network} address ${formatIpv4(address)} mac ${of}`);

const hex6 = (vni: number): string => vni.toString(16).padStart(6, '0');
