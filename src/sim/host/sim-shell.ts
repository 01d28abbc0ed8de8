/**
 * What a daemon does for its core of its own accord, beside performing orders: it tells which endpoints the
 * running containers have, and which version of the agreed state it keeps, and it fetches newer ones.
 */
import { NO_VERSION, newerVersion } from '../../core/model/index.ts';
import type { AgreedVersion, Command, Container, Endpoint, Event, NetworkId } from '../../core/model/index.ts';
import type { CoreNode } from '../../core/node/port.ts';

/** All simulated containers are on it. */
export const SIM_NETWORK = '5'.repeat(64) as NetworkId;
/** What many are called there. */
export const SIM_ALIAS = 'everybody';

export class SimShell {
  /** On disk: it outlives the daemon. */
  agreed: AgreedVersion = NO_VERSION;
  readonly #core: () => CoreNode | undefined;
  /** A moment later, unless the daemon dies before. */
  readonly #soon: (command: () => Command | undefined) => void;

  constructor(core: () => CoreNode | undefined, soon: (command: () => Command | undefined) => void) {
    this.#core = core;
    this.#soon = soon;
  }

  started(): void {
    if (this.agreed !== NO_VERSION) this.agree(this.agreed);
    for (const { request, task } of this.#core()?.containers() ?? [])
      if (task?.state === 'running') this.#tellEndpoints(request.containerId);
  }

  /** A newer version is on this node's disk. */
  agree(version: AgreedVersion): void {
    this.agreed = version;
    this.#soon(() => ({ kind: 'agreed', version: this.agreed }));
  }

  happened(event: Event): void {
    if (event.kind === 'agreed-newer' && newerVersion(event.version, this.agreed)) this.agree(event.version);
    if (event.kind === 'task-started' || event.kind === 'task-exited' || event.kind === 'container-renamed')
      this.#tellEndpoints(event.containerId);
  }

  #tellEndpoints(containerId: Container['request']['containerId']): void {
    this.#soon(() => {
      const container = this.#core()?.container(containerId);
      return container === undefined ? undefined : { kind: 'endpoints', containerId, endpoints: endpointsOf(container) };
    });
  }
}

/** One while it runs, at an address that follows from its id. */
export function endpointsOf({ request, name, task }: Container): readonly Endpoint[] {
  if (task?.state !== 'running') return [];
  const { containerId: container } = request;
  return [{ container, network: SIM_NETWORK, address: Number.parseInt(container.slice(0, 8), 16), names: [name, SIM_ALIAS] }];
}
