import type { ContainerId, NetworkId } from '../../core/model/index.ts';
import { parseIpv4 } from '../../lib/ipv4.ts';
import type { Attached } from '../port.ts';
import { endpointMac, type Names } from './names.ts';
import type { EndpointOnHost } from './wish.ts';

/** A container's interface as it was asked for and as it is called here. */
export interface HeldEndpoint {
  /** undefined: found at the start, and nobody has told of it yet. */
  readonly asked: Attached | undefined;
  readonly onHost: EndpointOnHost;
}

/** Those that are plugged in. */
export class Endpoints {
  readonly #held = new Map<string, HeldEndpoint>();

  get(container: ContainerId, network: NetworkId): HeldEndpoint | undefined {
    return this.#held.get(`${container} ${network}`);
  }

  set(held: HeldEndpoint): void {
    this.#held.set(`${held.onHost.container} ${held.onHost.network}`, held);
  }

  delete({ container, network }: EndpointOnHost): void {
    this.#held.delete(`${container} ${network}`);
  }

  all(): readonly HeldEndpoint[] {
    return [...this.#held.values()];
  }

  onPort(port: string): HeldEndpoint | undefined {
    return this.all().find(({ onHost }) => onHost.port === port);
  }
}

/** As the kernel writes it. @throws Error where what was asked for is none that a container can have */
export function macOf({ mac, address }: Attached): string {
  if (mac === undefined) return endpointMac(address);
  const lower = mac.toLowerCase();
  // The lowest bit of the first byte is a group's.
  if (!/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/.test(lower) || /^[0:]+$/.test(lower)) {
    throw new Error(`${JSON.stringify(mac.slice(0, 40))} is no MAC address of a container’s: one is as 02:42:0a:00:00:05`);
  }
  return lower;
}

/** Whether what is plugged in is what is asked for. What was found at the start is taken by what its alias says. */
export function isAsAsked({ asked, onHost }: HeldEndpoint, endpoint: Attached): boolean {
  if (onHost.address !== endpoint.address || onHost.mac !== macOf(endpoint)) return false;
  return asked === undefined || (asked.interfaceName === endpoint.interfaceName && asked.isDefaultRoute === endpoint.isDefaultRoute);
}

const STORY = /^container ([0-9a-f]{64}) network ([0-9a-f]{64}) address ([\d.]+) mac ([0-9a-f:]{17})$/;

/** Reads what `portAlias` wrote. undefined: not ours, or not of a port. */
export function endpointOfAlias(port: string, alias: string, { owner }: Names): EndpointOnHost | undefined {
  if (!alias.startsWith(`${owner} `)) return undefined;
  const [, container, network, text = '', mac] = STORY.exec(alias.slice(owner.length + 1)) ?? [];
  const address = parseIpv4(text);
  if (container === undefined || network === undefined || mac === undefined || address === undefined) return undefined;
  return { container: container as ContainerId, network: network as NetworkId, address, mac, port };
}
