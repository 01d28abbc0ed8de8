import { type ContainerId, LIMITS, type NetworkId, type NodeId } from '../../core/model/index.ts';
import type { Store } from '../../store/port.ts';
import type { Leases } from './leases.ts';
import type { PortMessage } from './port-message.ts';
import type { TaskNetwork } from './task-network.ts';

/** An address that a container doesn't use any more, and that the node which was asked for it may still lead a published port to. */
export interface Lingering {
  readonly container: ContainerId;
  readonly network: NetworkId;
  readonly address: number;
  readonly asked: NodeId;
}

const DOCUMENT = 'lingering-addresses';

/**
 * Addresses that are not given back yet: what another node publishes there would reach the next container that has
 * one. Each stays its last container's until that node has heard that its port leads there no more. Durable, as the other's rules are.
 */
export class LingeringAddresses {
  readonly #store: Pick<Store, 'document' | 'putDocument'>;
  readonly #leases: Pick<Leases, 'give'>;
  #all: readonly Lingering[];
  /** What containers that are just being started take again. */
  readonly #retaking = new Map<ContainerId, Set<NetworkId>>();

  constructor(store: Pick<Store, 'document' | 'putDocument'>, leases: Pick<Leases, 'give'>) {
    this.#store = store;
    this.#leases = leases;
    this.#all = (store.document(DOCUMENT) as readonly Lingering[] | undefined) ?? [];
  }

  all(): readonly Lingering[] {
    return this.#all;
  }

  /** In place of giving it back. */
  add(lingering: Lingering): void {
    // Others that stay away for ever must not keep all addresses from us.
    const [oldest] = this.#all;
    if (oldest !== undefined && this.#all.length >= LIMITS.containers) this.#end([oldest]);
    this.#write([...this.#all.filter((each) => !isOf(each, lingering.container, lingering.network)), lingering]);
  }

  has(container: ContainerId, network: NetworkId): boolean {
    return this.#all.some((each) => isOf(each, container, network));
  }

  /** Its container is being given an address of the network again: nothing ends until that has succeeded or failed. */
  retake(container: ContainerId, network: NetworkId): void {
    if (!this.has(container, network)) return;
    const known = this.#retaking.get(container);
    if (known === undefined) this.#retaking.set(container, new Set([network]));
    else known.add(network);
  }

  /** It has them: whose they are is its own affair from now on. Only now, as a crash before must find them lingering. */
  retaken(container: ContainerId): void {
    const networks = this.#retaking.get(container);
    if (!this.#retaking.delete(container)) return;
    this.#write(this.#all.filter((each) => each.container !== container || networks?.has(each.network) !== true));
  }

  /** It hasn't: what it was to take lingers on. Returns whether there was any. */
  notRetaken(container: ContainerId): boolean {
    return this.#retaking.delete(container);
  }

  /** The node that was asked for the container leads these ports of it, and no other. */
  heard({ container, ports }: Pick<PortMessage, 'container' | 'ports'>): void {
    const addresses = new Set(ports.map(({ address }) => address));
    this.#end(this.#all.filter((each) => each.container === container && !addresses.has(each.address)));
  }

  /** Of nodes that are no more nothing will be heard, and nothing leads anywhere. */
  releaseOf(isGone: (asked: NodeId) => boolean): void {
    this.#end(this.#all.filter(({ asked }) => isGone(asked)));
  }

  #end(those: readonly Lingering[]): void {
    const some = those.filter(({ container, network }) => this.#retaking.get(container)?.has(network) !== true);
    if (some.length === 0) return;
    this.#write(this.#all.filter((each) => !some.includes(each)));
    for (const { network, container } of some) this.#leases.give(network, container);
  }

  #write(all: readonly Lingering[]): void {
    this.#store.putDocument(DOCUMENT, all);
    this.#all = all;
  }
}

const isOf = (each: Lingering, container: ContainerId, network: NetworkId): boolean =>
  each.container === container && each.network === network;

/** Those of a task that a port leads to from the node that was asked for its container, `asked`. */
export function lingeringOf({ container, endpoints, ports, portsElsewhere = [] }: TaskNetwork, asked: NodeId): readonly Lingering[] {
  const led = [...ports, ...portsElsewhere];
  return endpoints.flatMap(({ network, address }) =>
    led.some((port) => port.network === network) ? [{ container, network, address, asked }] : [],
  );
}
