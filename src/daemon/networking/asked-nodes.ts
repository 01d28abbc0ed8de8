import type { AgreedState } from '../../agreement/state/port.ts';
import type { Container, ContainerId, MemberState } from '../../core/model/index.ts';
import type { CoreNode } from '../../core/node/port.ts';
import type { ContainerSpec } from '../../engine/port.ts';
import { type LingeringAddresses, lingeringOf } from './lingering-addresses.ts';
import type { PortAnnouncer } from './port-announcer.ts';
import type { TaskNetwork } from './task-network.ts';
import type { TaskNetworks } from './task-networks.ts';

export interface AskedNodesParts {
  readonly announcer: Pick<PortAnnouncer, 'announce'>;
  readonly lingering: Pick<LingeringAddresses, 'all' | 'add' | 'retake' | 'retaken' | 'releaseOf'>;
  readonly tasks: Pick<TaskNetworks, 'get'>;
  readonly node: Pick<CoreNode, 'self' | 'member' | 'container' | 'containers'>;
  readonly state: Pick<AgreedState, 'nodes'>;
  readonly specOf: (container: Container) => ContainerSpec;
}

/** A node that stays dead is forgotten, and nobody tells of it. */
const EVERY_MS = 60_000;

/** Tells the nodes that were asked for containers of this one where the ports lead that they serve. */
export class AskedNodes {
  readonly #parts: AskedNodesParts;
  #timer: NodeJS.Timeout | undefined;

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

  start(): void {
    this.tellAll();
    this.#timer = setInterval(() => this.forgetGone(), EVERY_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Those that are no more lead nothing to anybody. */
  forgetGone(): void {
    const { lingering, node, state } = this.#parts;
    const removed = new Set(state.nodes().flatMap((each) => (each.state === 'in' ? [] : [each.id])));
    lingering.releaseOf((asked) => isGone(node.member(asked)?.state) || removed.has(asked));
  }

  /** After a start of the daemon: these run on, with addresses that they may just have taken again when it ended. */
  kept(tasks: readonly TaskNetwork[]): void {
    const { lingering } = this.#parts;
    for (const { container, endpoints } of tasks) {
      for (const { network } of endpoints) lingering.retake(container, network);
      lingering.retaken(container);
    }
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

/** undefined: nobody knows it. */
const isGone = (state: MemberState | undefined): boolean => state === undefined || state === 'left';
