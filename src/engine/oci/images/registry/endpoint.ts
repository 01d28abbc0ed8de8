import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Where a registry is reached: its base address, and whether it is spoken to without TLS. */
export interface Endpoint {
  /** As references name it: `docker.io`, `10.0.0.1:5000`. */
  readonly domain: string;
  readonly baseUrl: URL;
  readonly plain: boolean;
}

const DOCKER_HUB = { domain: 'docker.io', host: 'registry-1.docker.io' };

/**
 * Plain HTTP for what `insecureRegistries` lists (`host:port`, a host for all its ports, or a network
 * `10.0.0.0/8`) and for loopback, unless there are certificates for it; HTTPS for all others.
 */
export function endpointOf(domain: string, insecureRegistries: readonly string[], hasCertificates = false): Endpoint {
  const authority = domain === DOCKER_HUB.domain ? DOCKER_HUB.host : domain;
  const host = new URL(`http://${authority}`).hostname.replace(/^\[|\]$/g, '');
  const plain =
    (isLoopback(host) && !hasCertificates) ||
    insecureRegistries.some((entry) => entry === domain || entry === host || inNetwork(host, entry));
  return { domain, plain, baseUrl: new URL(`${plain ? 'http' : 'https'}://${authority}`) };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

function inNetwork(host: string, entry: string): boolean {
  const [network = '', bits] = entry.split('/');
  if (bits === undefined || !/^[0-9]{1,3}$/.test(bits)) return false;
  const family = isIPv4(host) && isIPv4(network) ? 'ipv4' : isIPv6(host) && isIPv6(network) ? 'ipv6' : undefined;
  if (family === undefined || Number(bits) > (family === 'ipv4' ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family);
  return list.check(host, family);
}
