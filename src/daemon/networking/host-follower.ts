import type { AgreedState } from '../../agreement/state/port.ts';
import type { AgreedNetwork, ContainerId, NetworkId } from '../../core/model/index.ts';
import type { CoreNode } from '../../core/node/port.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import type { DnsServer } from '../../network/dns/port.ts';
import type { Network, PublishedPort } from '../../network/port.ts';
import { hostNetworks } from './host-networks.ts';
import type { PortClaims } from './port-claims.ts';
import type { TaskPort } from './task-network.ts';
import type { TaskNetworks } from './task-networks.ts';

export interface HostFollowerParts {
  readonly tasks: Pick<TaskNetworks, 'all'>;
  readonly claims: Pick<PortClaims, 'served'>;
  readonly node: Pick<CoreNode, 'self' | 'members'>;
  readonly state: Pick<AgreedState, 'networks' | 'leases' | 'nodes'>;
  readonly network: Pick<Network, 'want' | 'settled'>;
  readonly dns: Pick<DnsServer, 'listen'>;
  readonly vxlanPort: number;
  readonly innerRange: Cidr;
}

/** The kernel, and the server of names, follow what is agreed, who is where, and what containers have. */
export class HostFollower {
  readonly #parts: HostFollowerParts;
  /** Networks that the kernel has. */
  readonly #ready = new Set<NetworkId>();
  #isClosed = false;

  constructor(parts: HostFollowerParts) {
    this.#parts = parts;
  }

  /** What any of it comes from has changed. */
  update(): void {
    if (this.#isClosed) return;
    const { claims, dns, network, node, state, tasks, vxlanPort, innerRange } = this.#parts;
    const self = node.self();
    const present = new Set<NetworkId>();
    const ports: PublishedPort[] = [];
    for (const { container, endpoints, ports: open } of tasks.all()) {
      for (const endpoint of endpoints) present.add(endpoint.network);
      for (const port of open) ports.push(publishedPort(container, port));
    }
    for (const { container, ports: served } of claims.served(self.id)) {
      for (const port of served) {
        present.add(port.network);
        ports.push(publishedPort(container, port));
      }
    }
    const wish = hostNetworks({ self, vxlanPort, innerRange, members: node.members(), state, present, ports });
    const wanted = new Set(wish.networks.map(({ id }) => id));
    for (const id of this.#ready) if (!wanted.has(id)) this.#ready.delete(id);
    network.want(wish);
    dns.listen(wish.networks.map(({ gateway, subnet }) => ({ gateway, subnet })));
  }

  /** A network's first container waits until the host is on it. @throws Error with what is in the way */
  async onHost({ id }: Pick<AgreedNetwork, 'id'>): Promise<void> {
    if (this.#ready.has(id)) return;
    this.update();
    await this.#parts.network.settled([id]);
    this.#ready.add(id);
  }

  /** The kernel keeps all. */
  close(): void {
    this.#isClosed = true;
  }
}

function publishedPort(container: ContainerId, port: TaskPort): PublishedPort {
  const { protocol, ip, port: hostPort, containerPort, network, address } = port;
  return { container, network, protocol, hostIp: ip, hostPort, address, containerPort };
}
