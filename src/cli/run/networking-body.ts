import type { ContainerCreateBody, EndpointConfig, HostConfig } from '../../docker-api/types.ts';
import { EXIT, Failure } from '../failure.ts';
import type { NetworkOption } from '../parse/network-option.ts';
import { portBindings } from '../parse/publish.ts';
import { type NetworkOptions, networksOf, withFirst } from './network-options.ts';

/** What of a create's body concerns networks, ports and names: only what was said. */
export function networkingBody(
  options: NetworkOptions,
): Pick<ContainerCreateBody, 'Hostname' | 'Domainname' | 'ExposedPorts' | 'NetworkingConfig'> {
  const { hostname, domainname, expose = [], publish = [] } = options;
  const exposed = [...expose, ...publish.map(({ Port }) => Port)];
  const endpoints = endpointsConfig(withFirst(networksOf(options), options));
  return {
    ...(hostname === undefined ? {} : { Hostname: hostname }),
    ...(domainname === undefined ? {} : { Domainname: domainname }),
    ...(exposed.length === 0 ? {} : { ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])) }),
    ...(endpoints === undefined ? {} : { NetworkingConfig: { EndpointsConfig: endpoints } }),
  };
}

export function networkingHost(options: NetworkOptions): HostConfig {
  const { publish = [], publishAll, link, addHost, dns, dnsSearch, dnsOption = [], dnsOpt = [] } = options;
  const [first] = networksOf(options);
  const dnsOptions = [...dnsOption, ...dnsOpt];
  return {
    NetworkMode: first?.name ?? 'default',
    ...(publish.length === 0 ? {} : { PortBindings: portBindings(publish) }),
    ...(publishAll === undefined ? {} : { PublishAllPorts: publishAll }),
    ...(link === undefined ? {} : { Links: [...link] }),
    ...(addHost === undefined ? {} : { ExtraHosts: [...addHost] }),
    ...(dns === undefined ? {} : { Dns: [...dns] }),
    ...(dnsSearch === undefined ? {} : { DnsSearch: [...dnsSearch] }),
    ...(dnsOptions.length === 0 ? {} : { DnsOptions: dnsOptions }),
  };
}

/** Undefined where the mode alone says it all. */
function endpointsConfig(networks: readonly NetworkOption[]): Record<string, EndpointConfig> | undefined {
  const [first] = networks;
  const isPlain = networks.length === 1 && first !== undefined && first.ip === '' && first.mac === '' && first.aliases.length === 0;
  if (isPlain) return undefined;
  const twice = networks.find(({ name }, i) => networks.findIndex((other) => other.name === name) !== i);
  if (twice !== undefined) throw new Failure(`network ${twice.name} is named twice: say all of it in one --network`, EXIT.refused);
  return Object.fromEntries(networks.map((network) => [network.name, endpointConfig(network)]));
}

export function endpointConfig({ ip, mac, aliases }: Omit<NetworkOption, 'name'>): EndpointConfig {
  return {
    ...(ip === '' ? {} : { IPAMConfig: { IPv4Address: ip } }),
    ...(aliases.length === 0 ? {} : { Aliases: [...aliases] }),
    ...(mac === '' ? {} : { MacAddress: mac }),
  };
}
