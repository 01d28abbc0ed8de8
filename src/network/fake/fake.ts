import type { ContainerId, NetworkId } from '../../core/model/index.ts';
import type { Attached, HostNetworks, Network } from '../port.ts';

/** A network in memory: names namespaces and makes none. Its fields are for tests to look at. */
export class FakeNetwork implements Network {
  readonly namespaces = new Map<ContainerId, string>();
  /** By container and network. */
  readonly endpoints = new Map<string, Attached>();
  /** What was wanted last. */
  state: HostNetworks | undefined;
  closed = false;
  /** Networks that the kernel does not take. */
  readonly broken = new Set<NetworkId>();

  makeNamespace(id: ContainerId): Promise<string> {
    const path = `/fake/netns/${id}`;
    this.namespaces.set(id, path);
    return Promise.resolve(path);
  }

  removeNamespace(id: ContainerId): Promise<void> {
    this.namespaces.delete(id);
    for (const [key, { container }] of this.endpoints) if (container === id) this.endpoints.delete(key);
    return Promise.resolve();
  }

  want(state: HostNetworks): void {
    this.state = state;
  }

  settled(networks: readonly NetworkId[] = (this.state?.networks ?? []).map(({ id }) => id)): Promise<void> {
    const broken = networks.find((id) => this.broken.has(id));
    return broken === undefined ? Promise.resolve() : Promise.reject(new Error(`network ${broken} is broken`));
  }

  attach(endpoint: Attached): Promise<void> {
    const { container, network } = endpoint;
    if (!this.namespaces.has(container)) return Promise.reject(new Error(`container ${container} has no network namespace yet`));
    if (!(this.state?.networks ?? []).some(({ id }) => id === network)) {
      return Promise.reject(new Error(`network ${network} is not on this host`));
    }
    this.endpoints.set(key(container, network), endpoint);
    return Promise.resolve();
  }

  detach(container: ContainerId, network: NetworkId): Promise<void> {
    this.endpoints.delete(key(container, network));
    return Promise.resolve();
  }

  recover(known: (id: ContainerId) => boolean, endpoints: readonly Attached[]): Promise<void> {
    for (const id of this.namespaces.keys()) if (!known(id)) this.namespaces.delete(id);
    this.endpoints.clear();
    for (const endpoint of endpoints) this.endpoints.set(key(endpoint.container, endpoint.network), endpoint);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  removeAll(): Promise<void> {
    this.namespaces.clear();
    this.endpoints.clear();
    this.state = undefined;
    return Promise.resolve();
  }
}

const key = (container: ContainerId, network: NetworkId): string => `${container} ${network}`;
