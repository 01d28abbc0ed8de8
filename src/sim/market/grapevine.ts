/**
 * Tells nodes of deaths and joins, each when it would have heard, but only those to whom it makes a
 * difference: traders that keep the member's offers, suppliers whose offer stands with it or now belongs to
 * it, new owners of a region's first shard, buyers with runs under way. To any other node the news is a no-op
 * beyond the change of its ring, and that change is in the roster; telling all would be N inputs for each of
 * N changes an hour.
 */
import { directoryKey } from '../../core/discovery/region.ts';
import type { Message, NodeId, Publish, Region } from '../../core/model/index.ts';
import type { Schedule } from '../schedule.ts';
import type { Change, Roster } from './roster.ts';

/** Where a supplier's newest offer stands. */
export interface Stand {
  readonly region: Region;
  readonly key: string;
  readonly trader: number;
}

export class Grapevine {
  readonly #roster: Roster;
  readonly #schedule: Schedule;
  readonly #tell: (node: number, change: Change) => void;
  readonly #stands: (Stand | undefined)[] = [];
  /** Suppliers by the key under which their offer stands. */
  readonly #byKey = new Map<string, Set<number>>();
  /** Who ever got a publish from each supplier: those that may keep an offer of it. */
  readonly #keepers = new Map<number, Set<number>>();
  readonly #buyers = new Map<number, number>();
  /** Which nodes are told, or will be, by change. */
  readonly #told = new WeakMap<Change, Set<number>>();

  constructor(roster: Roster, schedule: Schedule, tell: (node: number, change: Change) => void) {
    this.#roster = roster;
    this.#schedule = schedule;
    this.#tell = tell;
  }

  stand(supplier: number): Stand | undefined {
    return this.#stands[supplier];
  }

  suppliersAt(key: string): Iterable<number> {
    return this.#byKey.get(key) ?? [];
  }

  /** Regions in which offers stand, with their suppliers. */
  *keysOf(region: string): Generator<string> {
    for (const key of this.#byKey.keys()) if (key.startsWith(`${region}#`)) yield key;
  }

  /** Each message of a node to another, or to itself where it can be seen. */
  sent(from: number, to: number, message: Message): void {
    if (message.kind !== 'publish') return;
    this.#move(from, { region: message.region, key: keyOf(message), trader: to });
    const keepers = this.#keepers.get(from) ?? new Set();
    this.#keepers.set(from, keepers.add(to));
    for (const change of this.#roster.unsettled()) if (change.member === to) this.#inform(from, change);
  }

  runBegins(buyer: number): void {
    this.#buyers.set(buyer, (this.#buyers.get(buyer) ?? 0) + 1);
    for (const change of this.#roster.unsettled()) if (!change.alive) this.#inform(buyer, change);
  }

  runEnds(buyer: number): void {
    const left = (this.#buyers.get(buyer) ?? 0) - 1;
    if (left > 0) this.#buyers.set(buyer, left);
    else this.#buyers.delete(buyer);
  }

  changed(change: Change): void {
    const { member, alive } = change;
    const concerned = new Set<number>(this.#buyers.keys());
    for (const keeper of this.#keepers.get(member) ?? []) concerned.add(keeper);
    for (const [key, suppliers] of this.#byKey) {
      const owner = this.#ownerOf(key);
      for (const supplier of suppliers) if (this.#stands[supplier]?.trader !== owner) concerned.add(supplier);
      if (alive ? owner === member : key.endsWith('#0')) concerned.add(owner);
    }
    if (!alive) {
      this.#keepers.delete(member);
      this.#move(member, undefined);
    }
    concerned.delete(alive ? -1 : member);
    for (const node of concerned) this.#inform(node, change);
  }

  #inform(node: number, change: Change): void {
    const told = this.#told.get(change) ?? new Set();
    if (told.has(node)) return;
    this.#told.set(change, told.add(node));
    this.#schedule.at(this.#roster.heardAtMs(change, node), () => this.#tell(node, change));
  }

  #move(supplier: number, stand: Stand | undefined): void {
    const before = this.#stands[supplier];
    this.#stands[supplier] = stand;
    if (before?.key === stand?.key) return;
    if (before !== undefined) this.#byKey.get(before.key)?.delete(supplier);
    if (before !== undefined && this.#byKey.get(before.key)?.size === 0) this.#byKey.delete(before.key);
    if (stand === undefined) return;
    const suppliers = this.#byKey.get(stand.key) ?? new Set();
    this.#byKey.set(stand.key, suppliers.add(supplier));
  }

  #ownerOf(key: string): number {
    return this.#roster.index(this.#roster.trueOwner(key) as NodeId);
  }
}

const keyOf = ({ region, shard }: Publish): string => directoryKey(region, shard);
