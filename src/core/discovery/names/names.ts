/**
 * The name directory (DESIGN §6): containers by name, id prefix, label and image, endpoints by network and
 * name or address, as soft state on the ring.
 * Each node has all roles: it registers its own containers (name-publisher.ts), keeps what others register
 * under the keys that the ring gives it and decides who gets a name (name-owner.ts), claims names for what
 * it places (name-claims.ts), and asks (questions.ts).
 *
 * It is a directory, not the truth: the truth about a container is its node's. Hence look-ups say whether
 * they are complete, a holder is asked before a name is refused, and two containers of one name are a
 * state that ends by itself.
 */
import { LIMITS, keepsName } from '../../model/index.ts';
import type {
  Container,
  ContainerId,
  Endpoint,
  Member,
  NameConflict,
  NameEntry,
  NameHolder,
  NameKey,
  NameMessage,
  NameRow,
  NodeId,
  Timer,
  Turn,
} from '../../model/index.ts';
import { assertNever } from '../../../lib/assert.ts';
import { utf8Length } from '../../../lib/utf8.ts';
import type { Directory } from '../directory.ts';
import { DISCOVERY } from '../tunables.ts';
import { EndpointBook } from './endpoint-book.ts';
import { Everybody } from './everybody.ts';
import { ringKey, rowsOf, textOf } from './keys.ts';
import type { Found, LookUp } from './lookup.ts';
import { NameClaims } from './name-claims.ts';
import { NameOwner } from './name-owner.ts';
import { NamePublisher } from './name-publisher.ts';
import { newName } from './new-name.ts';
import { Questions } from './questions.ts';
import type { NameTimes } from './tunables.ts';

export interface NamesOptions {
  readonly self: NodeId;
  readonly ring: Directory['ring'];
  readonly member: (id: NodeId) => Member | undefined;
  /** In all states. */
  readonly members: () => readonly Member[];
  readonly containers: () => readonly Container[];
  readonly container: (id: ContainerId) => Container | undefined;
  /** Gives one of this node's containers another name, durably; may come to nothing. */
  readonly rename: (turn: Turn, id: ContainerId, to: string, why: string) => void;
  readonly times: NameTimes;
}

export class Names {
  readonly claims: NameClaims;
  readonly #options: NamesOptions;
  readonly #owner: NameOwner;
  readonly #publisher: NamePublisher;
  readonly #questions: Questions;
  readonly #everybody: Everybody;
  readonly #endpoints = new EndpointBook();
  /** Younger ones of a name, whose older one's node is asked just now. */
  readonly #inConflict = new Set<ContainerId>();

  constructor(options: NamesOptions) {
    this.#options = options;
    const { self, ring, member, members, times, containers } = options;
    this.#questions = new Questions(times.askMs);
    this.#everybody = new Everybody({ self, members, questions: this.#questions });
    this.#owner = new NameOwner({ self, ring, member });
    this.#publisher = new NamePublisher({
      self,
      ring,
      isLive: (id) => member(id)?.state === 'alive' || member(id)?.state === 'suspect',
      incarnationOf: (id) => member(id)?.incarnation,
      rowsOf: (container) => this.#rowsOf(container),
      times,
    });
    this.claims = new NameClaims({
      self,
      ring,
      questions: this.#questions,
      askMs: times.askMs,
      here: (name) => containers().find((container) => container.name === name)?.request.containerId,
    });
  }

  start(turn: Turn): void {
    this.#questions.start(turn);
    this.#owner.start(turn);
    this.#publisher.start(turn);
    this.#publisher.kept(turn, this.#options.containers());
  }

  /** A container of this node came, has another name, or is gone. */
  changed(turn: Turn, id: ContainerId): void {
    const container = this.#options.container(id);
    if (container === undefined) this.#endpoints.delete(id);
    this.#publisher.changed(turn, id, container);
  }

  /** A container of this node has these endpoints now, and no others. */
  endpoints(turn: Turn, id: ContainerId, endpoints: readonly Endpoint[]): void {
    const container = this.#options.container(id);
    if (container === undefined) return;
    this.#endpoints.set(id, endpoints);
    this.#publisher.changed(turn, id, container);
  }

  readonly lookUp: LookUp = (turn, key, done) => {
    // Nothing is registered under what no message carries; of labels and images there may be some nevertheless.
    if (utf8Length(textOf(key)) > LIMITS.nameKeyBytes) {
      return done(turn, { entries: [], complete: key.kind !== 'label' && key.kind !== 'image' });
    }
    if (key.kind === 'endpoint') this.#askOwner(turn, key, (turn, found) => this.#orAll(turn, key, found, done));
    else this.#askOwner(turn, key, done);
  };

  sizes(): { readonly names: number; readonly claims: number; readonly questions: number } {
    return { names: this.#owner.size, claims: this.claims.size, questions: this.#questions.size };
  }

  ringChanged(turn: Turn): void {
    this.#publisher.lookAgain(turn);
  }

  /** A member raised its incarnation. */
  renewed(turn: Turn, id: NodeId): void {
    this.#owner.renewed(turn);
    this.#publisher.renewed(turn, id);
  }

  /** This node raised its own. */
  raised(turn: Turn): void {
    this.#publisher.raised(turn);
  }

  memberGone(turn: Turn, id: NodeId): void {
    this.#owner.memberGone(turn, id);
    this.#publisher.memberGone(id);
    this.#questions.memberGone(turn, id);
    this.claims.memberGone(turn, id);
  }

  receive(turn: Turn, from: NodeId, message: NameMessage): void {
    switch (message.kind) {
      case 'register':
        return this.#owner.register(turn, from, message);
      case 'registered':
        return this.#publisher.registered(turn, from, message);
      case 'name-claim':
        return this.#owner.claim(turn, from, message);
      case 'name-claimed':
        return this.claims.claimed(turn, from, message);
      case 'name-release':
        return this.#owner.release(from, message);
      case 'name-conflict':
        return this.#conflict(turn, message);
      case 'look-up': {
        const { entries, complete } = message.own ? this.#own(message.key) : this.#owner.lookUp(turn, message.key);
        return turn.send(from, { kind: 'found', question: message.question, entries, complete });
      }
      case 'found':
        return this.#questions.found(turn, from, message);
      default:
        return assertNever(message);
    }
  }

  timer(turn: Turn, timer: Timer): void {
    switch (timer.name) {
      case 'ask':
        return this.#questions.timer(turn, timer);
      case 'claim':
        return this.claims.timer(turn, timer);
      case 'sweep':
      case 'outdated':
      case 'conflicts':
        return this.#owner.timer(turn, timer);
      default:
        return this.#publisher.timer(turn, timer);
    }
  }

  /** What this node keeps as the owner of keys. */
  entries(): readonly (NameEntry & { readonly key: NameKey })[] {
    return this.#owner.entries();
  }

  /** What it keeps in all, for bounds. */
  get size(): number {
    return this.#owner.size + this.claims.size + this.#questions.size;
  }

  #rowsOf(container: Container): readonly NameRow[] {
    return rowsOf(container, this.#endpoints.lines(container.request.containerId));
  }

  #askOwner(turn: Turn, key: NameKey, done: Parameters<LookUp>[2]): void {
    const owner = this.#options.ring.owner(ringKey(key)) ?? this.#options.self;
    if (owner === this.#options.self) done(turn, this.#owner.lookUp(turn, key));
    else this.#questions.ask(turn, owner, key, false, done);
  }

  /**
   * What a container asks for by name it believes not to be there, once told so: a miss of the owner's is asked of
   * all while these are few, and where a node is dead, which may run it all the same, nobody can tell.
   */
  #orAll(turn: Turn, key: NameKey, found: Found, done: Parameters<LookUp>[2]): void {
    if (found.entries.length > 0) return done(turn, found);
    const orDead = (turn: Turn, { entries, complete }: Found): void => {
      done(turn, { entries, complete: complete && (entries.length > 0 || !this.#everybody.isSomebodyDead()) });
    };
    if (this.#options.ring.size > DISCOVERY.smallInstance) return orDead(turn, found);
    this.#everybody.ask(turn, key, this.#own(key), orDead);
  }

  /** Of this node's own containers and claims it knows all. */
  #own(key: NameKey): Found {
    const { self, containers, container } = this.#options;
    if (key.kind === 'endpoint') {
      const here = this.#endpoints.under(key, self, (id) => container(id)?.name ?? '');
      return { entries: here.slice(0, LIMITS.namesPerKey), complete: true };
    }
    const place = ringKey(key);
    const rows = containers().flatMap((container) => this.#rowsOf(container));
    const here = rows
      .filter((row) => ringKey(row.key) === place && (key.kind !== 'id' || row.containerId.startsWith(key.prefix)))
      .map(({ containerId, name, value }) => ({ containerId, name, node: self, value }));
    const claimed = key.kind === 'name' ? this.claims.entries(key.name) : [];
    return { entries: [...here, ...claimed].slice(0, LIMITS.namesPerKey), complete: true };
  }

  /**
   * What an owner has may be stale, and a new name is for ever: the older one's node is asked whether it has it.
   * Where it gives no answer, the owner will say it again.
   */
  #conflict(turn: Turn, { containerId, name, keeper, keeperCreatedAtMs }: NameConflict): void {
    const container = this.#options.container(containerId);
    if (container === undefined || container.name !== name || keeper.containerId === containerId) return;
    const [row] = this.#rowsOf(container);
    if (row === undefined || !keepsName({ createdAtMs: keeperCreatedAtMs, containerId: keeper.containerId }, row)) return;
    if (this.#inConflict.has(containerId)) return;
    this.#inConflict.add(containerId);
    this.#questions.ask(turn, keeper.node, { kind: 'name', name }, true, (turn, { entries }) => {
      this.#inConflict.delete(containerId);
      const keeps = entries.some((entry) => entry.containerId === keeper.containerId);
      if (keeps && this.#options.container(containerId)?.name === name) this.#yield(turn, containerId, name, keeper);
    });
  }

  #yield(turn: Turn, containerId: ContainerId, name: string, keeper: NameHolder): void {
    const { rename, member } = this.#options;
    const why = `container ${keeper.containerId.slice(0, 12)} on ${member(keeper.node)?.name ?? keeper.node.slice(0, 12)} has the name and is older`;
    rename(turn, containerId, newName(name, containerId), why);
  }
}
