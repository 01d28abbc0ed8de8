import { LIMITS, type NodeId, shortId } from '../../core/model/index.ts';
import type { Condition, Entry, StoreAccess, Write } from '../port.ts';
import { VOLUME_NAME } from './codec.ts';
import type { Copy } from './copy.ts';
import { contended, factsOf, type Follow, LEASES_PER_CHANGE, put, reached, TRIES, unchanged } from './deciding.ts';
import type { AgreedVolume } from './fact.ts';
import { KEYS } from './keys.ts';

/**
 * Which node has which named volume. A key is one volume's and nothing is decided over several, so there is no
 * guard: who is first has it, until it gives it back or is in the instance no longer.
 */
export class VolumeBook {
  readonly #store: StoreAccess;
  readonly #copy: Copy;
  readonly #follow: Follow;
  /** This node's that are just being given back: what the copy still shows as its own is so no longer. */
  readonly #releasing = new Map<string, Promise<void>>();

  constructor(store: StoreAccess, copy: Copy, follow: Follow) {
    this.#store = store;
    this.#copy = copy;
    this.#follow = follow;
  }

  all(): readonly AgreedVolume[] {
    const { views } = this.#copy;
    return [...views.volumes.values()].filter(({ node }) => views.isIn(node));
  }

  get(name: string): AgreedVolume | undefined {
    const { views } = this.#copy;
    const volume = views.volumes.get(name);
    return volume !== undefined && views.isIn(volume.node) ? volume : undefined;
  }

  async claim(name: string, node: NodeId, nowMs: number): Promise<AgreedVolume> {
    if (name.length > LIMITS.volumeName || !VOLUME_NAME.test(name)) {
      throw new RangeError(
        `${JSON.stringify(name.slice(0, LIMITS.volumeName))} is no name for a volume: use 2 to ${LIMITS.volumeName} letters, digits, "_", "." and "-", a letter or digit first`,
      );
    }
    await this.#releasing.get(name)?.catch(() => undefined);
    // Nobody but the node itself gives it away while it is in: its containers start without a majority, too.
    const own = this.get(name);
    if (own?.node === node) return own;
    for (let tries = 0; tries < TRIES; tries++) {
      const { value: entry, version } = await this.#store.get(KEYS.volume(name));
      const known = volumeOf(entry);
      if (known !== undefined && (await this.#isIn(known.node))) {
        // Who is refused looks at it in the copy next.
        await this.#follow.reach(version);
        return known;
      }
      if (entry === undefined && this.#copy.views.volumes.size >= LIMITS.volumes)
        throw new Error(`there are ${LIMITS.volumes} named volumes already, the most there may be: remove some`);
      const volume: AgreedVolume = { name, node, createdAtMs: nowMs };
      const mine: Condition = { key: KEYS.nodeIn(node), is: 'present' };
      const outcome = await this.#store.transact({
        // Nothing is given to a node that was removed meanwhile: its volumes would outlive it.
        when: [unchanged(KEYS.volume(name), entry), mine, ...goneOf(known, node)],
        then: [put({ kind: 'volume', volume })],
        epoch: version.epoch,
      });
      if (outcome.committed) {
        await reached(this.#follow, outcome.version);
        return volume;
      }
      if (!outcome.found.some((found) => found.key === mine.key) && !(await this.#isIn(node)))
        throw new Error(`node ${shortId(node)} is not in the instance any more: it gets no volumes`);
    }
    throw contended('the volume’s records');
  }

  async release(name: string, node: NodeId): Promise<void> {
    const released = this.#release(name, node);
    this.#releasing.set(name, released);
    try {
      await released;
    } finally {
      if (this.#releasing.get(name) === released) this.#releasing.delete(name);
    }
  }

  async #release(name: string, node: NodeId): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const { value: entry, version } = await this.#store.get(KEYS.volume(name));
      if (entry === undefined || volumeOf(entry)?.node !== node) return this.#follow.reach(version);
      const outcome = await this.#store.transact({
        when: [unchanged(entry.key, entry)],
        then: [{ remove: entry.key }],
        epoch: version.epoch,
      });
      if (outcome.committed) return reached(this.#follow, outcome.version);
    }
    throw contended('the volume’s records');
  }

  /** Of a node that is in no longer, as this copy shows them; one that another has taken over meanwhile is left to it. */
  async returnAll(node: NodeId): Promise<void> {
    for (let tries = 0; tries < TRIES; ) {
      const { version, views } = this.#copy;
      const volumes = views.volumesOf(node).slice(0, LEASES_PER_CHANGE);
      if (volumes.length === 0) return;
      const keys = volumes.map(({ name }) => KEYS.volume(name));
      const outcome = await this.#store.transact({
        when: [{ key: KEYS.nodeIn(node), is: 'absent' }, ...keys.map((key) => unchanged(key, this.#copy.entry(key)))],
        then: keys.map((key): Write => ({ remove: key })),
        epoch: version.epoch,
      });
      if (!outcome.committed && outcome.found.some((entry) => entry.key === KEYS.nodeIn(node))) return;
      if (!outcome.committed) tries++;
      await this.#follow.reach(outcome.version);
    }
    throw contended('the volumes’ records');
  }

  async #isIn(node: NodeId): Promise<boolean> {
    return (await this.#store.get(KEYS.nodeIn(node))).value !== undefined;
  }
}

/** Who had it is in no longer, and still is not when it changes hands. */
function goneOf(known: AgreedVolume | undefined, taker: NodeId): readonly Condition[] {
  return known === undefined || known.node === taker ? [] : [{ key: KEYS.nodeIn(known.node), is: 'absent' }];
}

/** @throws Error for one of a later release: nobody may take over what it can't read */
function volumeOf(entry: Entry | undefined): AgreedVolume | undefined {
  if (entry === undefined) return undefined;
  const [fact] = factsOf([entry], 'volume');
  if (fact === undefined) throw new Error(`${entry.key} can’t be read: it was written by a newer version; upgrade this node`);
  return fact.volume;
}
