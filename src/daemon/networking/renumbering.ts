import type { Container, ContainerId, NetworkId } from '../../core/model/index.ts';
import type { ContainerSpec, Engine, EndpointWish } from '../../engine/port.ts';
import type { KeyedLock } from '../../engine/oci/keyed-lock.ts';
import type { Log } from '../log.ts';
import type { Connections } from './connections.ts';
import type { TaskNetwork, TaskPort } from './task-network.ts';
import type { TaskNetworks } from './task-networks.ts';
import type { TaskWiring } from './task-wiring.ts';

export interface RenumberingParts {
  readonly tasks: TaskNetworks;
  readonly connections: Connections;
  readonly wiring: Pick<TaskWiring, 'connect' | 'disconnect'>;
  /** One thing at a time is done to a container. */
  readonly turns: KeyedLock<ContainerId>;
  readonly container: (id: ContainerId) => Container | undefined;
  readonly isNetwork: (id: NetworkId) => boolean;
  readonly specOf: (container: Container) => ContainerSpec;
  readonly place: Engine['place'];
  readonly filesFor: (container: Container, task: TaskNetwork) => { readonly resolvConf: string; readonly hosts: string };
  readonly log: Log;
}

interface Lost {
  /** Networks whose address was revoked, and that address. */
  readonly addresses: Map<NetworkId, number>;
  /** That led there: they keep their numbers. */
  ports: readonly TaskPort[];
  failures: number;
}

const FIRST_AGAIN_MS = 1_000;
const LAST_AGAIN_MS = 30_000;

/**
 * Containers that run and are not on a network that they should be on. An address that was revoked while this node
 * was away is given up at once: it is another node's. Another may take until there is agreement; so it is tried
 * again and again, as long as the container runs.
 */
export class Renumbering {
  readonly #parts: RenumberingParts;
  readonly #lost = new Map<ContainerId, Lost>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #isClosed = false;

  constructor(parts: RenumberingParts) {
    this.#parts = parts;
  }

  /** This address belongs to another node. Never rejects. */
  revoked(id: ContainerId, network: NetworkId, address: number): Promise<void> {
    return this.#inTurn(id, async () => {
      // A start may have been under way; what has ended meanwhile has given it back.
      const isHere = this.#parts.tasks.get(id)?.endpoints.some((each) => each.network === network && each.address === address);
      if (isHere !== true) return;
      this.#lostOf(id).addresses.set(network, address);
      await this.#plugIn(id);
    });
  }

  /** Before addresses are counted: a daemon that died amid a connect or a disconnect left more than it had kept. */
  prune(): void {
    const { connections, container, specOf, tasks } = this.#parts;
    for (const task of tasks.all()) {
      const known = container(task.container);
      const wishes = known === undefined ? undefined : connections.of(task.container, specOf(known));
      const isWished = ({ network }: { readonly network: NetworkId }) => wishes?.some((wish) => wish.network === network) ?? true;
      if (task.endpoints.every(isWished)) continue;
      tasks.put({ ...task, endpoints: task.endpoints.filter(isWished), ports: task.ports.filter(isWished) });
    }
  }

  /** Once the core runs: what the last run began is ended. */
  resume(): void {
    for (const { container, endpoints } of this.#parts.tasks.all()) {
      const known = this.#parts.container(container);
      if (known !== undefined && this.#missing(known, endpoints).length > 0) void this.#inTurn(container, () => this.#plugIn(container));
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  async #plugIn(id: ContainerId): Promise<void> {
    const { container, filesFor, log, place, tasks, wiring } = this.#parts;
    const lost = this.#lost.get(id);
    const known = container(id);
    let task = tasks.get(id);
    if (known === undefined || task === undefined) return void this.#lost.delete(id);
    for (const [network, address] of lost?.addresses ?? []) {
      const endpoint = task.endpoints.find((each) => each.network === network && each.address === address);
      if (lost === undefined || endpoint === undefined) continue;
      const ports = task.ports.filter((port) => port.network === network);
      task = await wiring.disconnect(task, endpoint, 'kept');
      lost.ports = [...lost.ports, ...ports];
    }
    for (const wish of this.#missing(known, task.endpoints)) {
      const isLost = lost?.addresses.has(wish.network) ?? false;
      task = await wiring.connect(known, task, isLost ? { ...wish, ip: '' } : wish, lost?.ports);
      await place(id, filesFor(known, task));
      lost?.addresses.delete(wish.network);
      const why = isLost ? 'a container has another address: the one it had is another node’s' : 'a container is on its network again';
      log('warn', why, { container: known.name, network: wish.networkName });
    }
    this.#lost.delete(id);
  }

  #missing(container: Container, endpoints: TaskNetwork['endpoints']): readonly EndpointWish[] {
    const { connections, isNetwork, specOf } = this.#parts;
    const wishes = connections.of(container.request.containerId, specOf(container));
    return wishes.filter(({ network }) => isNetwork(network) && !endpoints.some((each) => each.network === network));
  }

  async #inTurn(id: ContainerId, work: () => Promise<void>): Promise<void> {
    if (this.#isClosed) return;
    try {
      await this.#parts.turns.run(id, work);
    } catch (error) {
      this.#again(id, error);
    }
  }

  #lostOf(id: ContainerId): Lost {
    const lost = this.#lost.get(id) ?? { addresses: new Map(), ports: [], failures: 0 };
    this.#lost.set(id, lost);
    return lost;
  }

  #again(id: ContainerId, error: unknown): void {
    if (this.#isClosed) return;
    const lost = this.#lostOf(id);
    const afterMs = Math.min(FIRST_AGAIN_MS * 2 ** lost.failures, LAST_AGAIN_MS);
    lost.failures = Math.min(lost.failures + 1, 16);
    this.#parts.log('error', 'a container is off a network that it should be on: it is tried again', {
      container: this.#parts.container(id)?.name ?? id.slice(0, 12),
      afterMs,
      error: String(error),
    });
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#inTurn(id, () => this.#plugIn(id));
    }, afterMs).unref();
    this.#timers.add(timer);
  }
}
