import type { AgreedVersion } from '../../core/model/index.ts';
import { checkKey, checkTransaction } from '../check-transaction.ts';
import {
  AgreementUnavailable,
  type Answer,
  type Entry,
  type Outcome,
  type ReplicatedStore,
  type Transaction,
  type WatchListener,
} from '../port.ts';
import type { MemoryCluster } from './memory-cluster.ts';

/**
 * One node's view of a MemoryCluster. Tests cut it off, make it lose answers, and let it wait; without
 * that each answer comes with the next microtask, in the order of the questions.
 */
export class MemoryStore implements ReplicatedStore {
  readonly #cluster: MemoryCluster;
  /** What each request waits for on its way; a test that needs time puts its own clock here. */
  latency: () => Promise<void> = () => Promise.resolve();
  readonly #watches = new Set<() => void>();
  #isCut = false;
  #answersToLose = 0;

  constructor(cluster: MemoryCluster) {
    this.#cluster = cluster;
  }

  /** No majority from here: requests fail having changed nothing, watches fall silent. */
  cut(): void {
    this.#isCut = true;
  }

  heal(): void {
    this.#isCut = false;
    for (const pump of this.#watches) pump();
  }

  /** The next `count` transactions are performed and then said to be unknown. */
  loseAnswers(count: number): void {
    this.#answersToLose = count;
  }

  async get(key: string): Promise<Answer<Entry | undefined>> {
    checkKey(key);
    await this.#travel();
    return { value: this.#cluster.read(key), version: this.#cluster.version };
  }

  async range(prefix: string): Promise<Answer<readonly Entry[]>> {
    await this.#travel();
    return { value: this.#cluster.list(prefix), version: this.#cluster.version };
  }

  async transact(transaction: Transaction): Promise<Outcome> {
    checkTransaction(transaction);
    await this.#travel();
    const outcome = this.#cluster.apply(transaction);
    if (this.#answersToLose > 0) {
      this.#answersToLose -= 1;
      throw new AgreementUnavailable('the answer was lost on its way', 'unknown');
    }
    return outcome;
  }

  watch(prefix: string, revision: number, listener: WatchListener, signal: AbortSignal): void {
    if (signal.aborted) return;
    let seen: AgreedVersion = { epoch: this.#cluster.version.epoch, revision };
    const end = () => {
      forget();
      this.#watches.delete(pump);
    };
    const pump = () => {
      if (this.#isCut) return;
      const applied = this.#cluster.changesAfter(seen, prefix);
      if (applied === undefined) {
        end();
        listener.onLost();
        return;
      }
      for (const { changes, version } of applied) {
        // A listener that writes makes us come here again, and deliver what follows from there.
        if (signal.aborted || version.revision <= seen.revision) continue;
        seen = version;
        listener.onChanges(changes, version);
      }
    };
    // Never in the midst of the caller's own turn, as over a network.
    const later = () => queueMicrotask(() => this.#watches.has(pump) && pump());
    const forget = this.#cluster.onApplied(later);
    this.#watches.add(pump);
    signal.addEventListener('abort', end, { once: true });
    later();
  }

  async #travel(): Promise<void> {
    await this.latency();
    if (this.#isCut) throw new AgreementUnavailable('no majority of the agreement members can be reached from here', 'no');
  }
}
