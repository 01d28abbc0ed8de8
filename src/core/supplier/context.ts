import type { Container, ContainerId, CoreError, HostFacts, Member, Need, RequestId, Turn } from '../model/index.ts';
import type { Neighbour } from '../model/affinity.ts';
import type { Unfit } from '../model/filter.ts';
import { NO_FACTS, closedNetwork, takenPort } from '../model/host-access.ts';
import type { HadPorts } from '../model/host-access.ts';
import type { Entry, Grave } from './entry.ts';
import type { Holds } from './holds.ts';
import type { Ledger } from './ledger.ts';
import type { Orders } from './orders.ts';
import { LIMITS } from '../model/index.ts';
import { idOf } from './entry.ts';
import { containerKey } from './ledger.ts';
import { SUPPLIER } from './tunables.ts';

/** What the parts of one supplier share. */
export class Context {
  readonly self: () => Member;
  readonly ledger: Ledger;
  readonly holds: Holds;
  readonly orders: Orders;
  readonly entries = new Map<ContainerId, Entry>();
  /** Requests whose container is here: a late reserve for one is pointless. */
  readonly launched = new Map<RequestId, ContainerId>();
  readonly graves = new Map<ContainerId, Grave>();
  /** Set by `leave`: nothing new is taken. */
  leaving = false;
  /** What the host can't give just now. */
  facts: HostFacts = NO_FACTS;
  /** Containers that came, went or have another name since the name directory was last told. */
  readonly named = new Set<ContainerId>();
  #token = 0;

  constructor(self: () => Member, ledger: Ledger, holds: Holds, orders: Orders) {
    this.self = self;
    this.ledger = ledger;
    this.holds = holds;
    this.orders = orders;
  }

  /** @returns the timer's token, by which its owner tells it from older ones. */
  setTimer(turn: Turn, name: string, key: string, afterMs: number): number {
    const token = ++this.#token;
    turn.setTimer({ machine: 'supplier', name, key, token }, afterMs);
    return token;
  }

  add(entry: Entry): void {
    this.entries.set(idOf(entry), entry);
    this.named.add(idOf(entry));
    this.launched.set(entry.container.request.id, idOf(entry));
  }

  drop(entry: Entry): void {
    this.ledger.release(containerKey(idOf(entry)));
    this.entries.delete(idOf(entry));
    this.named.add(idOf(entry));
    this.launched.delete(entry.container.request.id);
  }

  /** Never started, it gives its room back after a while, from now on. */
  awaitStart(turn: Turn, entry: Entry): void {
    entry.unstarted = this.setTimer(turn, 'never-started', idOf(entry), SUPPLIER.neverStartedMs);
  }

  /** What affinities look at: containers from their launch to their removal. */
  *neighbours(): Generator<Neighbour> {
    for (const { container } of this.entries.values()) yield { ...container.request, name: container.name };
  }

  /** Why the host can't be on a network that is wanted. */
  closed(wanted: Pick<Need, 'vnis'>): Unfit | undefined {
    return closedNetwork(wanted, this.facts);
  }

  /** Which port is another's than that of the hold's, or of the containers which it is for. */
  portTaken(wanted: Pick<Need, 'hostPorts'>, hold: RequestId, containers: readonly ContainerId[]): Unfit | undefined {
    return takenPort(wanted, this.#portsHad(hold), this.facts, (owner) => containers.includes(owner));
  }

  *#portsHad(except: RequestId): Generator<HadPorts> {
    for (const { container } of this.entries.values()) yield { hostPorts: container.request.hostPorts, by: container.name };
    for (const { need } of this.holds.all()) {
      if (need.requestId !== except) yield { hostPorts: need.hostPorts, by: 'a run under way' };
    }
  }

  /** Remembers a removed container for its time; drops what is older, or beyond the bound. */
  bury(turn: Turn, grave: Grave): void {
    this.graves.delete(grave.containerId);
    this.graves.set(grave.containerId, grave);
    for (const [id, old] of this.graves) {
      if (this.graves.size <= LIMITS.tombstones && turn.wallMs - old.removedAtMs <= SUPPLIER.tombstoneMs) return;
      this.graves.delete(id);
    }
  }

  /**
   * Changes the record and makes it durable; `then` learns whether that worked. Where it did not, what the
   * record is by then is written later: an end may have been answered for while its record was on the way.
   */
  record(turn: Turn, entry: Entry, change: Partial<Container>, then: (turn: Turn, error: CoreError | undefined) => void): void {
    entry.container = { ...entry.container, ...change };
    this.orders.perform(turn, { kind: 'store-container', container: entry.container }, (turn, answer) => {
      if (!answer.ok) this.#storeLater(turn, entry);
      then(turn, answer.ok ? undefined : answer.error);
    });
  }

  /** The 'store-retry' timer. */
  storeAgain(turn: Turn, entry: Entry): void {
    entry.storeRetry = false;
    const { kind } = entry.activity;
    // A record that is just being forgotten must not come back behind that.
    if (kind === 'removing' || kind === 'rolling-back') this.#storeLater(turn, entry);
    else this.note(turn, entry, {});
  }

  #storeLater(turn: Turn, entry: Entry): void {
    if (entry.storeRetry) return;
    entry.storeRetry = true;
    this.setTimer(turn, 'store-retry', idOf(entry), SUPPLIER.storeRetryMs);
  }

  /**
   * Notes what was seen. Losing it to a full disk and a crash breaks nothing: after a restart the engine
   * tells it again (recovery.ts counts by what is true, not by the record alone).
   */
  note(turn: Turn, entry: Entry, change: Partial<Container>): void {
    this.record(turn, entry, change, () => {});
  }
}
