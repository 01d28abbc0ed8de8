import type { AgreedState } from '../../agreement/state/port.ts';
import type { Command, NetworkId, Result } from '../../core/model/index.ts';
import { formatIpv4, holds, parseIpv4 } from '../../lib/ipv4.ts';
import type { TaskNetworks } from './task-networks.ts';

export interface NameResolverParts {
  readonly state: Pick<AgreedState, 'networks' | 'network'>;
  readonly tasks: TaskNetworks;
  readonly command: (command: Command) => Promise<Result>;
}

export interface Resolved {
  readonly addresses: readonly number[];
  /** Whether a miss means that there is none: not where somebody who may know did not answer. */
  readonly complete: boolean;
}

/** Answers the DNS server's questions: who asks, what a name means there, who an address is (DESIGN §9, DNS). */
export class NameResolver {
  readonly #parts: NameResolverParts;

  constructor(parts: NameResolverParts) {
    this.#parts = parts;
  }

  /** The networks of the container that asks, by its address and the gateway it asked; the gateway's alone where it is none of ours. */
  networksOf(source: number, gateway: number): readonly NetworkId[] {
    const asked = this.#parts.state.networks().find((network) => network.gateway === gateway);
    if (asked === undefined) return [];
    const task = this.#parts.tasks
      .all()
      .find(({ endpoints }) => endpoints.some((each) => each.network === asked.id && each.address === source));
    if (task === undefined) return [asked.id];
    const others = task.endpoints.map(({ network }) => network).filter((id) => id !== asked.id);
    return [asked.id, ...others];
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

  /** Who has an address of one of our networks: its container's name, and the network's. Undefined: it is not of ours. */
  async reverse(address: number): Promise<{ readonly names: readonly string[]; readonly complete: boolean } | undefined> {
    const network = this.#parts.state.networks().find(({ subnet }) => holds(subnet, address));
    if (network === undefined) return undefined;
    const found = await this.#lookUp(network.id, formatIpv4(address));
    return { names: found.names.map((name) => `${name}.${network.name}`), complete: found.complete };
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
