/**
 * Registers this node's containers with the owners of their keys: at once when one is launched, renamed or
 * removed; within 2 s, at random, when the ring gives a key to another owner, when an owner may have
 * forgotten (it raised its incarnation) or when others may have dropped us (we raised ours); every hour
 * to stay alive. Unlike offers, which are only guesses, a name that is missing or stale is a wrong answer to
 * a user, so owners confirm: each has an account here of what it has, or may have, and what it should.
 *
 * Cost: a registration and its confirmation for each owner, so about 2 × (3 + labels) messages for a
 * container's launch in a large instance, as many for each name of an endpoint when it starts, fewer in a small one, where keys share owners.
 */
import type { Container, ContainerId, NameRow, NodeId, Registered, Timer, Turn } from '../../model/index.ts';
import type { Directory } from '../directory.ts';
import { Account } from './account.ts';
import { ringKey } from './keys.ts';
import { NAMES } from './tunables.ts';
import type { NameTimes } from './tunables.ts';

export interface NamePublisherOptions {
  readonly self: NodeId;
  readonly ring: Directory['ring'];
  /** Whether a member is alive, as far as known. */
  readonly isLive: (id: NodeId) => boolean;
  /** A member's newest; undefined: nobody knows it. */
  readonly incarnationOf: (id: NodeId) => number | undefined;
  /** All that a container is found by. */
  readonly rowsOf: (container: Container) => readonly NameRow[];
  readonly times: NameTimes;
}

/** What a container is registered by, and with whom. */
interface Listing {
  readonly rows: readonly NameRow[];
  readonly owners: ReadonlySet<NodeId>;
}

export class NamePublisher {
  readonly #options: NamePublisherOptions;
  readonly #listings = new Map<ContainerId, Listing>();
  readonly #accounts = new Map<NodeId, Account>();
  #counter = 0;
  #token = 0;
  #lookPending = false;
  /** Owners that may have forgotten what they had. */
  readonly #renewed = new Set<NodeId>();
  #allDoubted = false;

  constructor(options: NamePublisherOptions) {
    this.#options = options;
  }

  start(turn: Turn): void {
    this.#setTimer(turn, 'refresh', '', NAMES.refreshMs);
  }

  /** A container came, has another name or other endpoints, or is gone. */
  changed(turn: Turn, id: ContainerId, container: Container | undefined): void {
    const before = this.#listings.get(id);
    const after = this.#assign(before, container === undefined ? [] : this.#options.rowsOf(container));
    if (container === undefined) this.#listings.delete(id);
    else this.#listings.set(id, after);
    for (const owner of new Set([...(before?.owners ?? []), ...after.owners])) this.#flush(turn, owner);
  }

  /** What was kept across a restart: the ring is not yet what it will be. */
  kept(turn: Turn, containers: readonly Container[]): void {
    for (const container of containers) {
      this.#listings.set(container.request.containerId, { rows: this.#options.rowsOf(container), owners: new Set() });
    }
    if (containers.length > 0) this.lookAgain(turn);
  }

  /** Perhaps others answer for our keys now. */
  lookAgain(turn: Turn): void {
    if (this.#lookPending || (this.#listings.size === 0 && this.#accounts.size === 0)) return;
    this.#lookPending = true;
    this.#setTimer(turn, 'look-again', '', turn.random.int(NAMES.jitterMs));
  }

  /** If it comes back, it may have forgotten. */
  memberGone(id: NodeId): void {
    this.#accounts.get(id)?.doubt();
  }

  /** An owner raised its incarnation: if it restarted, it has nothing of ours. */
  renewed(turn: Turn, owner: NodeId): void {
    if (!this.#accounts.has(owner)) return;
    this.#renewed.add(owner);
    this.lookAgain(turn);
  }

  /** We raised ours: whoever took us for dead may have dropped what is ours. */
  raised(turn: Turn): void {
    this.#allDoubted = true;
    this.lookAgain(turn);
  }

  registered(turn: Turn, from: NodeId, { epoch }: Registered): void {
    const account = this.#accounts.get(from);
    const { flight } = account ?? {};
    if (account === undefined || flight === undefined) return;
    if (flight.counter !== epoch.counter || flight.incarnation !== epoch.incarnation) return;
    account.confirmed();
    account.flight = undefined;
    account.waitMs = this.#options.times.registerMs;
    this.#flush(turn, from);
  }

  timer(turn: Turn, { name, key, token }: Timer): void {
    const owner = key as NodeId;
    if (name === 'look-again') return this.#lookAgain(turn);
    if (name === 'refresh') return this.#refresh(turn);
    const account = this.#accounts.get(owner);
    if (name !== 'register' || account?.token !== token || account.flight === undefined) return;
    account.flight = undefined;
    account.waitMs = Math.min(NAMES.lastRegisterMs, account.waitMs * 2);
    this.#flush(turn, owner);
  }

  #lookAgain(turn: Turn): void {
    this.#lookPending = false;
    for (const [id, listing] of this.#listings) this.#listings.set(id, this.#assign(listing, listing.rows));
    for (const [owner, account] of this.#accounts) {
      if (this.#allDoubted || this.#renewed.has(owner)) account.doubt();
      this.#flush(turn, owner);
    }
    this.#renewed.clear();
    this.#allDoubted = false;
  }

  #refresh(turn: Turn): void {
    for (const [owner, account] of this.#accounts) {
      if (!this.#options.isLive(owner) && turn.nowMs - account.sentMs > NAMES.ttlMs) this.#accounts.delete(owner);
      else account.doubt();
    }
    this.#lookAgain(turn);
    this.#setTimer(turn, 'refresh', '', NAMES.refreshMs);
  }

  /** Enters rows with the owners of now, and takes them back from those of before. */
  #assign(before: Listing | undefined, rows: readonly NameRow[]): Listing {
    const { ring, self } = this.#options;
    const wanted = new Map<NodeId, Set<string>>();
    for (const row of rows) {
      const key = ringKey(row.key);
      const owner = ring.owner(key) ?? self;
      const keys = wanted.get(owner) ?? new Set();
      wanted.set(owner, keys.add(key));
      this.#accountOf(owner).put(row);
    }
    for (const owner of before?.owners ?? []) {
      const account = this.#accounts.get(owner);
      for (const row of before?.rows ?? []) {
        if (wanted.get(owner)?.has(ringKey(row.key)) !== true) account?.takeBack(row);
      }
    }
    return { rows, owners: new Set(wanted.keys()) };
  }

  #accountOf(owner: NodeId): Account {
    const account = this.#accounts.get(owner) ?? new Account(this.#options.times.registerMs);
    this.#accounts.set(owner, account);
    return account;
  }

  #flush(turn: Turn, owner: NodeId): void {
    const account = this.#accounts.get(owner);
    if (account === undefined || account.flight !== undefined) return;
    if (!this.#options.isLive(owner)) {
      if (account.size > NAMES.lines) this.#accounts.delete(owner);
      return;
    }
    const said = account.next();
    if (said === undefined) {
      if (account.size === 0) this.#accounts.delete(owner);
      return;
    }
    const { incarnationOf, self } = this.#options;
    const epoch = { incarnation: incarnationOf(self) ?? 0, counter: ++this.#counter };
    account.flight = epoch;
    account.sentMs = turn.nowMs;
    account.token = this.#setTimer(turn, 'register', owner, account.waitMs);
    turn.send(owner, { kind: 'register', epoch, ownerIncarnation: incarnationOf(owner), ...said });
  }

  #setTimer(turn: Turn, name: string, key: string, afterMs: number): number {
    const token = ++this.#token;
    turn.setTimer({ machine: 'names', name, key, token }, afterMs);
    return token;
  }
}
