import { DEFAULT_NETWORK } from '../../core/model/index.ts';
import type { ContainerInspect, EndpointSettings, PortBinding, PortSummary } from '../../docker-api/types.ts';
import type { ContainerSpec } from '../../engine/port.ts';
import type { EndpointFacts, PortFacts } from '../network-service.ts';
import { localNetworkId } from '../networks/predefined.ts';
import type { ContainerFacts } from './facts.ts';
import { linkText } from './networking/links.ts';
import { parsePorts, portText } from './networking/ports.ts';

/** Inspect's `NetworkSettings`. At the top stands what the container has on the default network, as Docker has it for its own. */
export function networkSettingsOf(facts: ContainerFacts): ContainerInspect['NetworkSettings'] {
  const usual = facts.endpoints.find(({ networkName }) => networkName === DEFAULT_NETWORK);
  return {
    Bridge: '',
    SandboxID: '',
    SandboxKey: facts.details.places?.running?.netns ?? '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    Ports: portMap(facts),
    EndpointID: usual?.endpointId ?? '',
    Gateway: usual?.gateway ?? '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPAddress: usual?.address ?? '',
    IPPrefixLen: usual === undefined || usual.address === '' ? 0 : usual.prefix,
    IPv6Gateway: '',
    MacAddress: usual?.mac ?? '',
    Networks: networksOf(facts),
  };
}

/** By the network's name; of a container that doesn't run without addresses. What began on none may have been connected since. */
export function networksOf({ container, spec, endpoints }: ContainerFacts): Record<string, EndpointSettings> {
  const { networkMode } = spec;
  if (networkMode === 'host' || (networkMode === 'none' && endpoints.length === 0))
    return { [networkMode]: { ...NO_ENDPOINT, NetworkID: localNetworkId(networkMode) } };
  return Object.fromEntries(endpoints.map((endpoint) => [endpoint.networkName, settingsOf(endpoint, container.request.containerId)]));
}

/** `HostConfig.NetworkMode`, with the network's name where it was asked for by another. */
export function networkModeOf({ networkMode, networks, networkOf }: ContainerSpec): string {
  if (networkMode === 'container') return `container:${networkOf}`;
  return networkMode === 'networks' ? (networks[0]?.networkName ?? 'none') : networkMode;
}

/** `HostConfig.PortBindings`: as asked, ranges too; '' for any free port. */
export function portBindingsOf({ ports }: ContainerSpec): Record<string, PortBinding[]> {
  const bindings: Record<string, PortBinding[]> = {};
  for (const { containerPort, protocol, hostIp, hostPort, hostRange } of ports) {
    (bindings[portText({ port: containerPort, protocol })] ??= []).push({
      HostIp: hostIp,
      HostPort: hostRange !== undefined ? `${hostRange.first}-${hostRange.last}` : hostPort === 0 ? '' : String(hostPort),
    });
  }
  return bindings;
}

/** The rows of a list: what is published, then what is only exposed. */
export function portRows(facts: ContainerFacts): PortSummary[] {
  return Object.entries(portMap(facts)).flatMap(([key, bindings]): PortSummary[] => {
    const [{ port, protocol } = { port: 0, protocol: 'tcp' as const }] = parsePorts(key);
    if (bindings === null) return [{ PrivatePort: port, Type: protocol }];
    return bindings.map(({ HostIp, HostPort }) => ({ IP: HostIp, PrivatePort: port, PublicPort: Number(HostPort), Type: protocol }));
  });
}

/** `80/tcp` to where hosts serve it, null where none does; of a network of its own only. A port that two nodes serve is one binding. */
function portMap({ container, spec, published }: ContainerFacts): Record<string, PortBinding[] | null> {
  if (container.task?.state !== 'running' || spec.networkMode !== 'networks') return {};
  const map: Record<string, PortBinding[] | null> = {};
  for (const key of spec.exposedPorts ?? []) map[key] = null;
  for (const facts of published) {
    const bindings = (map[portText({ port: facts.containerPort, protocol: facts.protocol })] ??= []);
    const binding = bindingOf(facts);
    if (!bindings.some((other) => other.HostIp === binding.HostIp && other.HostPort === binding.HostPort)) bindings.push(binding);
  }
  return map;
}

const bindingOf = ({ hostIp, hostPort }: PortFacts): PortBinding => ({ HostIp: hostIp, HostPort: String(hostPort) });

function settingsOf(facts: EndpointFacts, containerId: string): EndpointSettings {
  const { askedIp, aliases, links = [], network, endpointId, gateway, address, prefix, mac, containerName } = facts;
  return {
    ...NO_ENDPOINT,
    IPAMConfig: askedIp === '' ? null : { IPv4Address: askedIp },
    Links: links.length === 0 ? null : links.map(linkText),
    Aliases: aliases.length === 0 ? null : [...aliases],
    NetworkID: network,
    EndpointID: endpointId,
    Gateway: gateway,
    IPAddress: address,
    IPPrefixLen: address === '' ? 0 : prefix,
    MacAddress: mac,
    DNSNames: [...new Set([containerName, ...aliases, containerId.slice(0, 12)])],
  };
}

const NO_ENDPOINT: EndpointSettings = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  MacAddress: '',
  DriverOpts: null,
  NetworkID: '',
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  DNSNames: null,
};
