import type { Backend } from './backend.ts';
import { ExecRegistry } from './containers/exec/exec-registry.ts';
import { EventHub } from './events/event-hub.ts';
import type { Fact } from './events/fact.ts';
import { ApiError } from './http/api-error.ts';
import { Whereabouts } from './instance/whereabouts.ts';
import { API_LIMITS } from './limits.ts';

/** What the routes share: the daemon, and what the server itself remembers. */
export class ApiContext {
  readonly backend: Backend;
  readonly whereabouts = new Whereabouts();
  /** Names that creates under way here have claimed. */
  readonly claimedNames = new Set<string>();
  /** What happens on this node, for whoever listens to it. */
  readonly events: EventHub;
  readonly execs: ExecRegistry;
  #viewers = 0;

  constructor(backend: Backend) {
    this.backend = backend;
    this.events = new EventHub(backend);
    this.execs = new ExecRegistry(backend, (fact) => this.note(fact));
  }

  /** Tells those who listen to this node's events what a route has done. */
  note(fact: Fact): void {
    this.events.note(fact);
  }

  /** Counts a stream or a wait while it is open; returns the way to say that it ended. @throws ApiError 503 */
  enter(): () => void {
    if (this.#viewers >= API_LIMITS.viewers) {
      throw new ApiError(503, `${API_LIMITS.viewers} streams and waits are open on this node already; end one of them and try again`);
    }
    this.#viewers++;
    let open = true;
    return () => {
      if (open) this.#viewers--;
      open = false;
    };
  }
}
