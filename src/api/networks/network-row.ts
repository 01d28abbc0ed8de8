import type { AgreedNetwork } from '../../core/model/index.ts';
import type { NetworkContainer, NetworkFacts, NetworkRow } from '../../docker-api/types.ts';
import { formatCidr, formatIpv4 } from '../../lib/ipv4.ts';
import type { Backend } from '../backend.ts';
import type { EndpointFacts } from '../network-service.ts';
import { shownDriver, shownOptions } from './asked-driver.ts';

/** What `GET /networks` says of an agreed network. Its scope is Docker's for what spans hosts. */
export function networkRow(backend: Backend, network: AgreedNetwork): NetworkRow {
  return {
    Name: network.name,
    Id: network.id,
    Created: new Date(network.createdAtMs).toISOString(),
    Scope: 'swarm',
    Driver: shownDriver(network),
    EnableIPv6: false,
    IPAM: { Driver: 'default', Options: null, Config: [{ Subnet: formatCidr(network.subnet), Gateway: formatIpv4(network.gateway) }] },
    Internal: network.internal,
    Attachable: true,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: {},
    Options: shownOptions(network),
    Labels: { ...network.labels },
    Caravela: { VNI: network.vni, Blocks: blocksOf(backend, network) },
  };
}

/** And what inspect adds: who is on it, wherever it runs, and who did not tell. */
export function networkDetails(
  backend: Backend,
  network: AgreedNetwork,
  endpoints: readonly EndpointFacts[],
  silent: readonly string[],
): NetworkRow {
  const row = networkRow(backend, network);
  const running = endpoints.filter(({ address }) => address !== '');
  const facts: NetworkFacts = { VNI: network.vni, Blocks: blocksOf(backend, network), Unreachable: silent };
  return { ...row, Containers: Object.fromEntries(running.map((facts) => [facts.container, containerOf(facts)])), Caravela: facts };
}

function containerOf({ containerName, endpointId, mac, address, prefix }: EndpointFacts): NetworkContainer {
  return { Name: containerName, EndpointID: endpointId, MacAddress: mac, IPv4Address: `${address}/${prefix}`, IPv6Address: '' };
}

/** A node that is no member any more is named by its id. */
function blocksOf(backend: Backend, { id }: AgreedNetwork): Readonly<Record<string, readonly string[]>> {
  const names = new Map([backend.self(), ...backend.members()].map((member) => [member.id, member.name]));
  const blocks = new Map<string, string[]>();
  for (const { node, block } of backend.networks.leases(id).toSorted((a, b) => a.block.base - b.block.base)) {
    const name = names.get(node) ?? node;
    blocks.set(name, [...(blocks.get(name) ?? []), formatCidr(block)]);
  }
  return Object.fromEntries([...blocks].sort(([a], [b]) => (a < b ? -1 : 1)));
}
