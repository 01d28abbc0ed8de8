import { type HostPort, LIMITS, PORT_PROTOCOLS, type PortProtocol, portsClash } from '../../../core/model/index.ts';
import type { PortWish } from '../../../engine/port.ts';
import { formatIpv4, parseIpv4 } from '../../../lib/ipv4.ts';
import { ApiError } from '../../http/api-error.ts';

/** A port of a container, as `80/tcp`. */
export interface ContainerPort {
  readonly port: number;
  readonly protocol: PortProtocol;
}

export const portText = ({ port, protocol }: ContainerPort): string => `${port}/${protocol}`;

const PORT_KEY = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/([a-zA-Z0-9]*))?$/;

/** `80`, `80/udp`, `8000-8010/tcp`: what keys of PortBindings and ExposedPorts say. @throws ApiError 400, 501 */
export function parsePorts(text: string): readonly ContainerPort[] {
  const { from, to, protocol } = parsePortRange(text);
  if (to - from >= LIMITS.hostPorts) {
    throw new ApiError(400, `a range of ports may have ${LIMITS.hostPorts} of them, ${text} has ${to - from + 1}`);
  }
  return Array.from({ length: to - from + 1 }, (_, i) => ({ port: from + i, protocol }));
}

/** The same where nothing is made of each of them; both ends belong to it. @throws ApiError 400, 501 */
export function parsePortRange(text: string): { readonly from: number; readonly to: number; readonly protocol: PortProtocol } {
  const [whole, first, last = first, word = ''] = PORT_KEY.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (whole === undefined || !isPort(from) || !isPort(to) || to < from) {
    throw new ApiError(400, `invalid port specification: ${JSON.stringify(text.slice(0, 80))} is not as 80/tcp or 8000-8010/udp`);
  }
  return { from, to, protocol: protocolOf(word, text) };
}

/** Without a protocol it is TCP. */
function protocolOf(word: string, text: string): PortProtocol {
  const asked = word === '' ? 'tcp' : word.toLowerCase();
  const known = PORT_PROTOCOLS.find((protocol) => protocol === asked);
  if (known !== undefined) return known;
  throw new ApiError(
    asked === 'sctp' ? 501 : 400,
    `a port's protocol is ${PORT_PROTOCOLS.join(' or ')}, got ${JSON.stringify(text.slice(0, 80))}`,
  );
}

type Bindings = Readonly<
  Record<string, readonly { readonly HostIp?: string | undefined; readonly HostPort?: string | undefined }[] | null>
>;

/**
 * `HostConfig.PortBindings`, each published port by itself. An entry without bindings publishes nothing; one without a
 * host port takes any free one, one with a range of the host's for one port any of that. @throws ApiError 400
 */
export function parseBindings(bindings: Bindings): readonly PortWish[] {
  const wishes: PortWish[] = [];
  for (const [key, list] of Object.entries(bindings)) {
    const inside = parsePorts(key);
    for (const { HostIp = '', HostPort = '' } of list ?? []) {
      const hostIp = hostIpOf(HostIp);
      const outside = hostPortsOf(HostPort, inside, key);
      inside.forEach(({ port, protocol }, i) => wishes.push({ containerPort: port, protocol, hostIp, ...outside(i) }));
    }
  }
  if (wishes.length > LIMITS.hostPorts) {
    throw new ApiError(400, `a container may publish at most ${LIMITS.hostPorts} ports, got ${wishes.length}`);
  }
  refuseClashes(wishes);
  return wishes;
}

/** What of these a host must have free. */
export function hostPortsOfWishes(wishes: readonly PortWish[]): readonly HostPort[] {
  return wishes.filter(({ hostPort }) => hostPort > 0).map(hostPortOf);
}

export const hostPortOf = ({ protocol, hostIp, hostPort }: PortWish): HostPort => ({
  protocol,
  ip: parseIpv4(hostIp) ?? 0,
  port: hostPort,
});

/** Dotted, as asked: empty or 0.0.0.0 for every address. */
function hostIpOf(text: string): string {
  if (text === '') return '';
  const ip = parseIpv4(text);
  if (ip === undefined) {
    throw new ApiError(
      400,
      `invalid IP address to publish a port at: ${JSON.stringify(text.slice(0, 80))} is not an IPv4 address of a host`,
    );
  }
  return formatIpv4(ip);
}

/** What each of them wants of the host, by its place. */
function hostPortsOf(
  text: string,
  inside: readonly ContainerPort[],
  key: string,
): (at: number) => Pick<PortWish, 'hostPort' | 'hostRange'> {
  if (text === '' || text === '0') return () => ({ hostPort: 0 });
  const [whole, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (whole === undefined || !isPort(from) || !isPort(to) || to < from) {
    throw new ApiError(400, `invalid host port: ${JSON.stringify(text.slice(0, 80))} for ${key} is not a number from 1 to 65535`);
  }
  if (inside.length === 1 && to > from) return () => ({ hostPort: from, hostRange: { first: from, last: to } });
  if (to - from + 1 !== inside.length) {
    throw new ApiError(
      400,
      `invalid ranges specified for container and host ports: ${text} has ${to - from + 1} and ${key} ${inside.length}; leave the host's out for any that are free`,
    );
  }
  return (at) => ({ hostPort: from + at });
}

function refuseClashes(wishes: readonly PortWish[]): void {
  const named = wishes.filter(({ hostPort, hostRange }) => hostPort > 0 && hostRange === undefined);
  for (const [i, wish] of named.entries()) {
    const other = named.slice(0, i).find((earlier) => portsClash(hostPortOf(earlier), hostPortOf(wish)));
    if (other === undefined) continue;
    throw new ApiError(
      400,
      `port ${wish.hostPort}/${wish.protocol} of the host is published twice, to ${other.containerPort} and to ${wish.containerPort}`,
    );
  }
}

const isPort = (n: number): boolean => n >= 1 && n <= 65_535;
