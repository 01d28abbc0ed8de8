import type { AgreedState } from '../../agreement/state/port.ts';
import type { AgreedNetwork, Command, ContainerId, NetworkId, Result } from '../../core/model/index.ts';
import type { EndpointLink } from '../../engine/port.ts';
import { formatIpv4, holds, parseIpv4 } from '../../lib/ipv4.ts';
import { isDnsName } from '../../network/dns/is-dns-name.ts';
import type { Asker, DnsNames, Resolved } from '../../network/dns/port.ts';
import type { TaskNetwork } from './task-network.ts';
import type { TaskNetworks } from './task-networks.ts';

export interface NameResolverParts {
  readonly state: Pick<AgreedState, 'networks' | 'network'>;
  readonly tasks: TaskNetworks;
  readonly command: (command: Command) => Promise<Result>;
  /** `--dns` of a container; empty: none. */
  readonly serversOf: (container: ContainerId) => readonly string[];
  /** `--link` of a container, on any of its networks. */
  readonly linksOf: (container: ContainerId) => readonly EndpointLink[];
}

const FULL_ID = /^[0-9a-f]{64}$/;
const SHORT_ID_DIGITS = 12;

/** Answers the DNS server's questions: who asks, what a name means there, who an address is (DESIGN §9, DNS). */
export class NameResolver implements DnsNames {
  readonly #parts: NameResolverParts;

  constructor(parts: NameResolverParts) {
    this.#parts = parts;
  }

  /** Those of the container that asks; the asked gateway's alone where it is none of ours. */
  networksOf(asker: Asker): readonly AgreedNetwork[] {
    const asked = this.#parts.state.networks().find(({ gateway }) => gateway === asker.gateway);
    if (asked === undefined) return [];
    const others = this.#taskOf(asker, asked)?.endpoints.flatMap(({ network }) =>
      network === asked.id ? [] : (this.#parts.state.network(network) ?? []),
    );
    return [asked, ...(others ?? [])];
  }

  /** What is on internal networks only has none: a question could carry anything out. */
  serversOf(asker: Asker): readonly string[] | undefined {
    if (this.networksOf(asker).every(({ internal }) => internal)) return [];
    const asked = this.#parts.state.networks().find(({ gateway }) => gateway === asker.gateway);
    const task = asked === undefined ? undefined : this.#taskOf(asker, asked);
    const servers = task === undefined ? [] : this.#parts.serversOf(task.container);
    return servers.length > 0 ? servers : undefined;
  }

  /** An id is looked for by its first digits, as they stand in the directory. */
  meant(asker: Asker, name: string): string {
    const asked = this.#parts.state.networks().find(({ gateway }) => gateway === asker.gateway);
    const task = asked === undefined ? undefined : this.#taskOf(asker, asked);
    const link = task === undefined ? undefined : this.#parts.linksOf(task.container).find(({ alias }) => alias.toLowerCase() === name);
    if (link === undefined) return name;
    return (FULL_ID.test(link.container) ? link.container.slice(0, SHORT_ID_DIGITS) : link.container).toLowerCase();
  }

  /** The first of the networks on which somebody is called this. */
  async resolve(networks: readonly NetworkId[], name: string): Promise<Resolved> {
    let complete = true;
    for (const network of networks) {
      const found = await this.#lookUp(network, name.toLowerCase());
      const addresses = found.values.flatMap((value) => parseIpv4(value) ?? []);
      if (addresses.length > 0) return { addresses: [...new Set(addresses)], complete: true };
      complete &&= found.complete;
    }
    return { addresses: [], complete };
  }

  /** Who has an address of the asker's networks: its container's name, and the network's. Undefined: it is of none in the instance. */
  async reverse(
    address: number,
    networks: readonly NetworkId[],
  ): Promise<{ readonly names: readonly string[]; readonly complete: boolean } | undefined> {
    const network = this.#parts.state.networks().find(({ subnet }) => holds(subnet, address));
    if (network === undefined) return undefined;
    if (!networks.includes(network.id)) return { names: [], complete: true };
    const found = await this.#lookUp(network.id, formatIpv4(address));
    return { names: found.names.map((name) => `${name}.${network.name}`).filter(isDnsName), complete: found.complete };
  }

  #taskOf({ source }: Asker, { id }: AgreedNetwork): TaskNetwork | undefined {
    return this.#parts.tasks.all().find(({ endpoints }) => endpoints.some((each) => each.network === id && each.address === source));
  }

  async #lookUp(
    network: NetworkId,
    name: string,
  ): Promise<{ readonly values: readonly string[]; readonly names: readonly string[]; readonly complete: boolean }> {
    const result = await this.#parts.command({ kind: 'look-up', key: { kind: 'endpoint', network, name } });
    if (!result.ok || result.kind !== 'found') return { values: [], names: [], complete: false };
    return {
      values: result.entries.map(({ value }) => value),
      names: result.entries.map((entry) => entry.name),
      complete: result.complete,
    };
  }
}
