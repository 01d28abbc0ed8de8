/**
 * Ports of the host and networks: what of it a container can't have here, because another has it or the
 * host is not up to it. A container has the ports that its request names from launch to removal, also while
 * it is stopped; a hold has them like an amount, and a co-location group's hold has those of all its parts.
 *
 * Cost: one pass over the ports that are had here, for requests that name any.
 */
import type { Unfit } from './filter.ts';
import type { ContainerId } from './ids.ts';
import { portWords, portsClash } from './network.ts';
import type { HostFacts, HostPort } from './network.ts';
import type { Need } from './request.ts';

type Wants = Pick<Need, 'hostPorts' | 'vnis'>;

export const NO_FACTS: HostFacts = { busyPorts: [], closedNetworks: [] };

/** Somebody's ports. */
export interface HadPorts {
  readonly hostPorts: readonly HostPort[];
  /** A name, or what it is. */
  readonly by: string;
}

/** Why this host can't be on one of its networks; undefined where it can. */
export function closedNetwork({ vnis }: Pick<Wants, 'vnis'>, { closedNetworks }: HostFacts): Unfit | undefined {
  if (vnis.length === 0) return undefined;
  const closed = closedNetworks.find(({ vni }) => vnis.includes(vni));
  return closed === undefined ? undefined : { reason: 'network', detail: closed.why };
}

/**
 * Which port is another's; undefined where none is.
 * @param isOwn whether the host keeps the port for one of the containers that ask
 */
export function takenPort(
  { hostPorts }: Pick<Wants, 'hostPorts'>,
  had: Iterable<HadPorts>,
  { busyPorts }: HostFacts,
  isOwn: (owner: ContainerId) => boolean,
): Unfit | undefined {
  if (hostPorts.length === 0) return undefined;
  const wanted = Map.groupBy(hostPorts, ({ port }) => port);
  const clash = (port: HostPort): HostPort | undefined => wanted.get(port.port)?.find((one) => portsClash(one, port));
  for (const { hostPorts: theirs, by } of had) {
    for (const port of theirs) {
      const found = clash(port);
      if (found !== undefined) return taken(found, by);
    }
  }
  for (const { owner, by, ...port } of busyPorts) {
    const found = owner !== undefined && isOwn(owner) ? undefined : clash(port);
    if (found !== undefined) return taken(found, by);
  }
  return undefined;
}

/** Two of these that can't be had on one host. */
export function clashAmong(ports: readonly HostPort[]): HostPort | undefined {
  const seen = new Map<number, HostPort[]>();
  for (const port of ports) {
    const others = seen.get(port.port);
    if (others?.some((other) => portsClash(port, other)) === true) return port;
    seen.set(port.port, [...(others ?? []), port]);
  }
  return undefined;
}

/** Whether all of `ports` are among `held`, each as it is. */
export function arePortsOf(ports: readonly HostPort[], held: readonly HostPort[]): boolean {
  const words = new Set(held.map(portWords));
  return ports.every((port) => words.has(portWords(port)));
}

/** Port and holder from the detail of such a refusal. */
export function takenWords(detail: string): { readonly port: string; readonly by: string } {
  const [port = '', by = ''] = detail.split(TAKEN_BY);
  return { port, by };
}

const TAKEN_BY = ' is taken by ';

const taken = (port: HostPort, by: string): Unfit => ({ reason: 'port', detail: `${portWords(port)}${TAKEN_BY}${by}` });
