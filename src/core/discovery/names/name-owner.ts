/**
 * The owner of the keys that the ring gives this node: keeps what others register under them, decides who
 * gets a name, answers look-ups. All of it is soft: what a dead node registered is not shown and soon
 * dropped, what a node registered under an older incarnation is dropped once it has had the time to do so
 * anew, what is not refreshed runs out.
 *
 * A name that two containers have (claimed on both sides of a partition, or while a name changed owners) is
 * the older one's: the other's node is told until it has given it another. Everybody decides that alike,
 * by create time and then by id, so it does not matter who sees it first or whether several owners do.
 */
import { LIMITS, keepsName, newerEpoch } from '../../model/index.ts';
import type {
  Epoch,
  LookUpMessage,
  Member,
  NameClaim,
  NameEntry,
  NameHolder,
  NameKey,
  NameRelease,
  NodeId,
  Register,
  Timer,
  Turn,
} from '../../model/index.ts';
import { distance } from '../../ring/ring.ts';
import type { Directory } from '../directory.ts';
import { ClaimBook } from './claim-book.ts';
import { PREFIX_DIGITS, isSound, ringKey } from './keys.ts';
import type { Found } from './lookup.ts';
import { NameTable } from './name-table.ts';
import type { Registration } from './name-table.ts';
import { NAMES } from './tunables.ts';

export interface NameOwnerOptions {
  readonly self: NodeId;
  readonly ring: Directory['ring'];
  readonly member: (id: NodeId) => Member | undefined;
}

interface Gone {
  readonly id: NodeId;
  readonly atMs: number;
}

export class NameOwner {
  readonly #options: NameOwnerOptions;
  readonly #table = new NameTable();
  readonly #claims = new ClaimBook();
  /** The newest registration of each node. */
  readonly #latest = new Map<NodeId, Epoch>();
  /** Names that two containers have, or had when this was last looked at. */
  readonly #conflicts = new Set<string>();
  #conflictsDue = false;
  #sweepDue = false;
  #outdatedDue = false;
  #startedMs = 0;
  /** Its incarnation at its start: what was sent to an earlier one is not for this life. */
  #bornAs = 0;
  /** Members that went a short while ago: what they owned is being registered anew. */
  #gone: Gone[] = [];

  constructor(options: NameOwnerOptions) {
    this.#options = options;
  }

  start(turn: Turn): void {
    this.#startedMs = turn.nowMs;
    this.#bornAs = this.#options.member(this.#options.self)?.incarnation ?? 0;
  }

  /** What this node knows as an owner. */
  entries(): readonly (NameEntry & { readonly key: NameKey })[] {
    return this.#table.all().flatMap((row) => (this.#isShown(row) ? [{ key: row.key, ...entryOf(row) }] : []));
  }

  get size(): number {
    return this.#table.size + this.#claims.size;
  }

  register(turn: Turn, from: NodeId, { epoch, rows, gone, ownerIncarnation }: Register): void {
    // Its sender has no word of it, and says it anew as soon as it knows better.
    if (ownerIncarnation !== undefined && ownerIncarnation < this.#bornAs) return;
    const sender = this.#options.member(from);
    // From before its death: it registers anew under the incarnation by which it comes back.
    if (sender === undefined || (!isLive(sender) && epoch.incarnation <= sender.incarnation)) return;
    const latest = this.#latest.get(from);
    if (latest !== undefined && newerEpoch(latest, epoch)) return;
    this.#latest.set(from, epoch);
    for (const { key, containerId } of gone) {
      this.#table.delete(ringKey(key), { containerId, node: from });
      // Another's is for the next node that may get the container.
      if (key.kind === 'name') this.#claims.giveBack(key.name, containerId, from);
    }
    for (const row of rows) {
      if (!isSound(row)) continue;
      const untilMs = turn.nowMs + NAMES.ttlMs;
      this.#table.put({ ...row, node: from, incarnation: epoch.incarnation, untilMs, outdatedMs: undefined }, turn.nowMs);
      if (row.key.kind !== 'name') continue;
      this.#claims.release(row.name, row.containerId);
      this.#watch(turn, row.name);
    }
    this.#sweepLater(turn);
    turn.send(from, { kind: 'registered', epoch });
  }

  claim(turn: Turn, from: NodeId, { requestId, containerId, name, doubted }: NameClaim): void {
    const key = nameKey(name);
    if (doubted !== undefined) {
      this.#table.delete(key, doubted);
      this.#claims.release(name, doubted.containerId);
    }
    const holder = this.#holder(name, containerId, turn.nowMs);
    if (holder === undefined && !this.#table.has(key, containerId)) this.#claims.hold(name, containerId, from, turn.nowMs);
    this.#sweepLater(turn);
    turn.send(from, { kind: 'name-claimed', requestId, holder });
  }

  release(from: NodeId, { name, containerId }: NameRelease): void {
    this.#claims.giveBack(name, containerId, from);
  }

  lookUp(turn: Turn, key: LookUpMessage['key']): Found {
    if (key.kind === 'id' && key.prefix.length < PREFIX_DIGITS) return { entries: [], complete: false };
    const place = ringKey(key);
    const shown = this.#table.under(place).filter((row) => this.#isShown(row));
    // An address that is left over from its node's earlier life may be nobody's: only where there is no other it is better than none.
    const current = key.kind === 'endpoint' ? shown.filter((row) => this.#isCurrent(row)) : [];
    const rows = current.length > 0 ? current : shown;
    const meant = key.kind === 'id' ? rows.filter(({ containerId }) => containerId.startsWith(key.prefix)) : rows;
    return {
      entries: meant.slice(0, LIMITS.namesPerKey).map(entryOf),
      complete: this.#isOurs(place, turn.nowMs) && this.#table.isWhole(place, turn.nowMs),
    };
  }

  memberGone(turn: Turn, id: NodeId): void {
    this.#gone = this.#recentlyGone(turn.nowMs);
    if (this.#gone.length < LIMITS.exclude) this.#gone.push({ id, atMs: turn.nowMs });
    // Too many to tell apart: as after a start, nothing is sure for a while.
    else this.#startedMs = turn.nowMs;
  }

  /** A member raised its incarnation: it may have restarted, and knows nothing of what it had registered and has no more. */
  renewed(turn: Turn): void {
    if (!this.#outdatedDue) this.#dropOutdated(turn);
  }

  timer(turn: Turn, { name }: Timer): void {
    if (name === 'conflicts') return this.#settleConflicts(turn);
    if (name === 'outdated') return this.#dropOutdated(turn);
    if (name !== 'sweep') return;
    this.#sweepDue = false;
    this.#table.sweep(turn.nowMs, (row) => this.#isOver(row, turn.nowMs));
    this.#claims.sweep(turn.nowMs);
    for (const id of this.#latest.keys()) if (this.#options.member(id) === undefined) this.#latest.delete(id);
    this.#sweepLater(turn);
  }

  /** And looks again as long as there is some that its node may yet register anew. */
  #dropOutdated(turn: Turn): void {
    let isLeft = false;
    this.#table.sweep(turn.nowMs, (row) => {
      const isOver = this.#isOver(row, turn.nowMs);
      isLeft ||= !isOver && row.outdatedMs !== undefined;
      return isOver;
    });
    this.#outdatedDue = isLeft;
    if (isLeft) setTimer(turn, 'outdated', NAMES.outdatedMs);
  }

  /** While there is something to drop. */
  #sweepLater(turn: Turn): void {
    if (this.#sweepDue || this.size === 0) return;
    this.#sweepDue = true;
    setTimer(turn, 'sweep', NAMES.sweepMs);
  }

  /** Who has the name, other than this container. */
  #holder(name: string, containerId: NameEntry['containerId'], nowMs: number): NameHolder | undefined {
    let oldest: Registration | undefined;
    for (const row of this.#table.under(nameKey(name))) {
      if (row.containerId === containerId || !this.#isShown(row)) continue;
      if (oldest === undefined || keepsName(row, oldest)) oldest = row;
    }
    if (oldest !== undefined) return { containerId: oldest.containerId, node: oldest.node };
    const claim = this.#claims.get(name, nowMs);
    if (claim === undefined || claim.containerId === containerId || !this.#isLiveNode(claim.buyer)) return undefined;
    return { containerId: claim.containerId, node: claim.buyer };
  }

  #watch(turn: Turn, name: string): void {
    if (this.#table.under(nameKey(name)).length < 2) return;
    this.#conflicts.add(name);
    this.#conflictsLater(turn, NAMES.conflictMs);
  }

  #settleConflicts(turn: Turn): void {
    this.#conflictsDue = false;
    for (const name of this.#conflicts) {
      const key = nameKey(name);
      const rows = this.#table.under(key);
      if (rows.length < 2) {
        this.#conflicts.delete(name);
        continue;
      }
      // Whose node is away may come back, or be dropped, and whose node has restarted may have been removed: then it is looked at again.
      const [keeper, ...others] = rows
        .filter((row) => this.#isShown(row) && this.#isCurrent(row))
        .sort((a, b) => (keepsName(a, b) ? -1 : 1));
      if (keeper === undefined || this.#options.ring.owner(key) !== this.#options.self) continue;
      const { containerId, node, createdAtMs: keeperCreatedAtMs } = keeper;
      for (const other of others) {
        // The same one, on its way from a node that could not create it.
        if (other.containerId === containerId) continue;
        const conflict = { containerId: other.containerId, name, keeper: { containerId, node }, keeperCreatedAtMs };
        turn.send(other.node, { kind: 'name-conflict', ...conflict });
      }
    }
    if (this.#conflicts.size > 0) this.#conflictsLater(turn, NAMES.conflictAgainMs);
  }

  #conflictsLater(turn: Turn, afterMs: number): void {
    if (this.#conflictsDue) return;
    this.#conflictsDue = true;
    setTimer(turn, 'conflicts', afterMs);
  }

  #isShown({ node }: Registration): boolean {
    return this.#isLiveNode(node);
  }

  /** Said by its node in its present life, and not just left over from an earlier one. */
  #isCurrent({ node, incarnation }: Registration): boolean {
    return incarnation >= (this.#options.member(node)?.incarnation ?? 0);
  }

  #isLiveNode(id: NodeId): boolean {
    const member = this.#options.member(id);
    return member !== undefined && isLive(member);
  }

  #isOver(row: Registration, nowMs: number): boolean {
    const member = this.#options.member(row.node);
    if (row.untilMs <= nowMs || member === undefined) return true;
    if (row.incarnation > member.incarnation) return false;
    if (!isLive(member)) return true;
    if (row.incarnation === member.incarnation) return false;
    row.outdatedMs ??= nowMs;
    return nowMs - row.outdatedMs >= NAMES.outdatedMs;
  }

  /** Whether the key is ours and everybody has had the time to register with us. */
  #isOurs(key: string, nowMs: number): boolean {
    const { ring, self } = this.#options;
    if (ring.owner(key) !== self || nowMs - this.#startedMs < NAMES.takeOverMs) return false;
    const gone = this.#recentlyGone(nowMs);
    if (gone.length === 0) return true;
    const ours = distance(key, self);
    return gone.every(({ id }) => distance(key, id) > ours);
  }

  #recentlyGone(nowMs: number): Gone[] {
    return this.#gone.filter(({ atMs }) => nowMs - atMs < NAMES.takeOverMs);
  }
}

const nameKey = (name: string): string => ringKey({ kind: 'name', name });

const isLive = ({ state }: Member): boolean => state === 'alive' || state === 'suspect';

const entryOf = ({ containerId, name, node, value }: Registration): NameEntry => ({ containerId, name, node, value });

function setTimer(turn: Turn, name: string, afterMs: number): void {
  turn.setTimer({ machine: 'names', name, key: '', token: 0 }, afterMs);
}
