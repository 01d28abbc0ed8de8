import { type AgreedNode, LIMITS, type NodeId, shortId } from '../../core/model/index.ts';
import type { Condition, Entry, StoreAccess, Write } from '../port.ts';
import type { Copy } from './copy.ts';
import { contended, factsOf, type Follow, LEASES_PER_CHANGE, put, TRIES, unchanged } from './deciding.ts';
import { forwardKeys, KEYS } from './keys.ts';
import { type NodeChanges, NodeGone } from './port.ts';
import { VolumeBook } from './volume-book.ts';

/** Nodes that left are remembered for people to look them up, the newest of them. */
const LEFT_REMEMBERED = 1_024;
/** The last that VTEP MACs and inner addresses can be derived from (198.18.0.0/15 without its ends). */
const LAST_NUMBER = 2 ** 17 - 2;
/** RFC 1123's label. */
const NAME_LENGTH = 63;

/** Who belongs to the instance under which name and number. */
export class NodeBook implements NodeChanges {
  readonly #store: StoreAccess;
  readonly #copy: Copy;
  readonly #follow: Follow;
  readonly #volumes: VolumeBook;

  constructor(store: StoreAccess, copy: Copy, follow: Follow, volumes = new VolumeBook(store, copy, follow)) {
    this.#store = store;
    this.#volumes = volumes;
    this.#copy = copy;
    this.#follow = follow;
  }

  async admitNode(id: NodeId, wantedName: string, nowMs: number): Promise<AgreedNode> {
    const taken = new Set([...this.#copy.views.nodes.values()].flatMap((node) => (node.state === 'in' ? [node.name] : [])));
    for (let tries = 0; tries < TRIES; tries++) {
      const { value: inEntry, version } = await this.#store.get(KEYS.nodeIn(id));
      const known = nodeOf(inEntry);
      if (known !== undefined) return known;
      const { value: goneEntry } = await this.#store.get(KEYS.nodeGone(id));
      const gone = nodeOf(goneEntry);
      if (gone?.state === 'removed') throw new NodeGone(`node ${shortId(id)} (${gone.name}) was removed from the instance`);
      // An open instance lets in whoever asks: what is agreed must not grow for ever.
      if (taken.size >= LIMITS.members) throw new Error(`${LIMITS.members} nodes are in the instance already, the most there may be`);
      const counter = (await this.#store.get(KEYS.nextNumber)).value;
      const next = counter === undefined ? 1 : (factsOf([counter], 'next-number')[0]?.next ?? Number.NaN);
      if (Number.isNaN(next)) throw new Error('the next node number can’t be read: it was written by a newer version; upgrade this node');
      // It left and comes again under the same key: the number was its own.
      const number = gone?.number ?? next;
      if (number > LAST_NUMBER) throw new Error(`all ${LAST_NUMBER} node numbers are used up: make a new instance`);
      // The copy may show a name that is free by now.
      if (taken.has(wantedName) && (await this.#store.get(KEYS.nodeName(wantedName))).value === undefined) taken.delete(wantedName);
      const node: AgreedNode = { id, name: freeName(wantedName, taken), number, state: 'in', sinceMs: nowMs };
      const outcome = await this.#store.transact({
        when: [
          { key: KEYS.nodeIn(id), is: 'absent' },
          unchanged(KEYS.nodeGone(id), goneEntry),
          unchanged(KEYS.nextNumber, counter),
          { key: KEYS.nodeName(node.name), is: 'absent' },
        ],
        then: [
          put({ kind: 'node', node }),
          put({ kind: 'node-name', name: node.name, node: id }),
          ...(gone === undefined ? [put({ kind: 'next-number', next: next + 1 })] : [{ remove: KEYS.nodeGone(id) }]),
        ],
        epoch: version.epoch,
      });
      if (outcome.committed) {
        await this.#follow.reach(outcome.version);
        return node;
      }
      if (outcome.found.some((entry) => entry.key === KEYS.nodeName(node.name))) taken.add(node.name);
    }
    throw contended('node names');
  }

  async endNode(id: NodeId, state: 'left' | 'removed', nowMs: number): Promise<AgreedNode | undefined> {
    const ended = await this.#end(id, state, nowMs);
    if (ended !== undefined) await this.returnHoldings(id);
    return ended;
  }

  async returnHoldings(id: NodeId): Promise<void> {
    await this.#takeLeases(id, { key: KEYS.nodeIn(id), is: 'absent' }, () => true);
    await this.#volumes.returnAll(id);
  }

  endLeases(id: NodeId, isStillAway: () => boolean): Promise<void> {
    return this.#takeLeases(id, { key: KEYS.nodeIn(id), is: 'present' }, isStillAway);
  }

  /** All leases of a node, network by network, as long as the condition holds and nobody objects. */
  async #takeLeases(id: NodeId, condition: Condition, isRight: () => boolean): Promise<void> {
    const networks = new Set(this.#copy.views.leasesOf(id).map((lease) => lease.network));
    for (const network of networks) {
      for (let tries = 0; ; tries++) {
        const { value: entries, version } = await this.#store.range(KEYS.leases(network));
        const guard = entries.find((entry) => entry.key === KEYS.leasesGuard(network));
        const theirs = factsOf(entries, 'lease').filter(({ lease }) => lease.node === id);
        if (theirs.length === 0 || guard === undefined) break;
        if (tries >= TRIES) throw contended('leases');
        if (!isRight()) return;
        const outcome = await this.#store.transact({
          when: [unchanged(guard.key, guard), condition],
          then: [
            put({ kind: 'leases-guard', network }),
            ...theirs.slice(0, LEASES_PER_CHANGE).map(({ lease }): Write => ({ remove: KEYS.lease(network, lease.block) })),
          ],
          epoch: version.epoch,
        });
        if (outcome.committed) await this.#follow.reach(outcome.version);
        else if (outcome.found.some((entry) => entry.key === condition.key) !== (condition.is === 'present')) return;
      }
      await this.#follow.announce(network);
    }
  }

  /** From then on no lease can be given to it, so that those it has are all in the copy. */
  async #end(id: NodeId, state: 'left' | 'removed', nowMs: number): Promise<AgreedNode | undefined> {
    for (let tries = 0; tries < TRIES; tries++) {
      const { value: goneEntry, version } = await this.#store.get(KEYS.nodeGone(id));
      const inEntry = (await this.#store.get(KEYS.nodeIn(id))).value;
      const gone = nodeOf(goneEntry);
      const node = nodeOf(inEntry) ?? gone;
      if (node === undefined) return undefined;
      // Who left may still be removed; who was removed has not left.
      if (inEntry === undefined && (gone?.state === state || gone?.state === 'removed')) return gone;
      const ended: AgreedNode = { ...node, state, sinceMs: nowMs };
      const outcome = await this.#store.transact({
        when: [unchanged(KEYS.nodeIn(id), inEntry), unchanged(KEYS.nodeGone(id), goneEntry)],
        then: [
          put({ kind: 'node', node: ended }),
          ...(inEntry === undefined ? [] : [{ remove: KEYS.nodeIn(id) }, { remove: KEYS.nodeName(node.name) }]),
          { remove: KEYS.caHolder(id) },
          // It knows the key of datagrams. Whoever sees this makes another, also where nobody comes to it here.
          ...(state === 'removed' ? [put({ kind: 'gossip-keys-due' })] : []),
          ...forwardKeys(id).map((key): Write => ({ remove: key })),
          ...this.#oldestLeft(id),
        ],
        epoch: version.epoch,
      });
      if (outcome.committed) {
        await this.#follow.reach(outcome.version);
        return ended;
      }
    }
    throw contended('the node’s records');
  }

  /** What is forgotten to make room for one more. */
  #oldestLeft(newest: NodeId): readonly Write[] {
    const left = [...this.#copy.views.nodes.values()].filter((node) => node.state === 'left' && node.id !== newest);
    if (left.length < LEFT_REMEMBERED) return [];
    const [oldest] = left.toSorted((a, b) => a.sinceMs - b.sinceMs);
    return oldest === undefined ? [] : [KEYS.nodeGone(oldest.id), ...forwardKeys(oldest.id)].map((key): Write => ({ remove: key }));
  }
}

function nodeOf(entry: Entry | undefined): AgreedNode | undefined {
  return entry === undefined ? undefined : factsOf([entry], 'node')[0]?.node;
}

/** The wanted name, or with `-2`, `-3` … where it is taken; it stays a label. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  for (let n = 2; ; n++) {
    const suffix = `-${n}`;
    const name = `${wanted.slice(0, NAME_LENGTH - suffix.length).replace(/-+$/, '')}${suffix}`;
    if (!taken.has(name)) return name;
  }
}
