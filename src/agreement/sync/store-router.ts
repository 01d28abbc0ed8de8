import {
  AgreementUnavailable,
  type Answer,
  type Entry,
  type Outcome,
  type ReplicatedStore,
  type StoreAccess,
  type Transaction,
} from '../port.ts';

export interface RouterHost {
  /** This node's own member's; undefined: it runs none, or it has not started yet. */
  local(): ReplicatedStore | undefined;
  readonly forwarded: StoreAccess;
  /** Who the members are, which of them do not answer, and what to do: sentences, without the last full stop. */
  explain(): string;
  nowMs(): number;
}

/** A member that refuses at once leaves time to ask another node's. */
const STILL_TIME_MS = 800;

/** The agreed store by the way that this node has to it, with an error that helps where there is none. */
export class StoreRouter implements StoreAccess {
  readonly #host: RouterHost;

  constructor(host: RouterHost) {
    this.#host = host;
  }

  get(key: string): Promise<Answer<Entry | undefined>> {
    return this.#by((store) => store.get(key));
  }

  range(prefix: string): Promise<Answer<readonly Entry[]>> {
    return this.#by((store) => store.range(prefix));
  }

  transact(transaction: Transaction): Promise<Outcome> {
    return this.#by((store) => store.transact(transaction));
  }

  async #by<T>(work: (store: StoreAccess) => Promise<T>): Promise<T> {
    const local = this.#host.local();
    const startMs = this.#host.nowMs();
    try {
      if (local === undefined) return await work(this.#host.forwarded);
      try {
        return await work(local);
      } catch (error) {
        const certainlyNot = error instanceof AgreementUnavailable && error.changed === 'no';
        if (!certainlyNot || this.#host.nowMs() - startMs > STILL_TIME_MS) throw error;
        return await work(this.#host.forwarded);
      }
    } catch (error) {
      if (!(error instanceof AgreementUnavailable)) throw error;
      throw new AgreementUnavailable(this.#host.explain(), error.changed);
    }
  }
}
