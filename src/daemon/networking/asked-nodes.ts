import type { Container, ContainerId } from '../../core/model/index.ts';
import type { CoreNode } from '../../core/node/port.ts';
import type { ContainerSpec } from '../../engine/port.ts';
import { type LingeringAddresses, lingeringOf } from './lingering-addresses.ts';
import type { PortAnnouncer } from './port-announcer.ts';
import type { TaskNetwork } from './task-network.ts';
import type { TaskNetworks } from './task-networks.ts';

export interface AskedNodesParts {
  readonly announcer: Pick<PortAnnouncer, 'announce'>;
  readonly lingering: Pick<LingeringAddresses, 'all' | 'add'>;
  readonly tasks: Pick<TaskNetworks, 'get'>;
  readonly node: Pick<CoreNode, 'self' | 'container' | 'containers'>;
  readonly specOf: (container: Container) => ContainerSpec;
}

/** Tells the nodes that were asked for containers of this one where the ports lead that they serve. */
export class AskedNodes {
  readonly #parts: AskedNodesParts;

  constructor(parts: AskedNodesParts) {
    this.#parts = parts;
  }

  tell(id: ContainerId): void {
    const { announcer, node, specOf, tasks } = this.#parts;
    const container = node.container(id);
    if (container === undefined || container.buyer === node.self().id || specOf(container).ports.length === 0) return;
    const task = tasks.get(id);
    const ports = [...(task?.ports ?? []), ...(task?.portsElsewhere ?? [])];
    void announcer.announce(container.buyer, { container: id, ports, gone: false });
  }

  /** They ended while there was no daemon. */
  ended(tasks: readonly TaskNetwork[]): void {
    const { lingering, node } = this.#parts;
    for (const task of tasks) {
      const asked = node.container(task.container)?.buyer;
      if (asked !== undefined && asked !== node.self().id) for (const each of lingeringOf(task, asked)) lingering.add(each);
    }
  }

  /** By a daemon that starts: some may have ended, or been removed, and nobody was told. */
  tellAll(): void {
    const { announcer, lingering, node } = this.#parts;
    for (const { request } of node.containers()) this.tell(request.containerId);
    for (const { container, asked } of lingering.all()) {
      if (node.container(container) === undefined) void announcer.announce(asked, { container, ports: [], gone: true });
    }
  }
}
