/**
 * Who has the key that signs certificates. Agreement members need it; and so that it is never lost with one host,
 * three nodes have it as soon as there are three, two while there are two: a node with etcd that is no member is
 * then a stand-by, which can also rebuild agreement when the only member is lost. One that is not needed any more
 * forgets the key.
 */
import { put } from '../../agreement/state/deciding.ts';
import type { StoreAccess } from '../../agreement/port.ts';
import type { Copy } from '../../agreement/state/copy.ts';
import { KEYS } from '../../agreement/state/keys.ts';
import type { Asked } from '../../agreement/sync/port.ts';
import { type NodeId, shortId } from '../../core/model/index.ts';
import type { Log } from '../log.ts';
import type { CaKey } from './ca-key.ts';
import type { Neighbours } from './neighbours.ts';

/** POST, the key's PEM: a holder hands it over. 409: this node can't use it. */
export const CA_KEY_PATH = '/agreement/ca-key';
export const CA_KEY_BYTES = 8 * 1024;

const WANTED = 3;
const TIMEOUT_MS = 5_000;
/** A node that would not take it is asked again after this many rounds. */
const REFUSED_ROUNDS = 20;

export interface KeyKeepersParts {
  readonly self: NodeId;
  readonly copy: Copy;
  readonly caKey: CaKey;
  readonly store: StoreAccess;
  readonly neighbours: Neighbours;
  /** Whether etcd is installed here. */
  readonly isCandidate: () => boolean;
  /** Whether this node takes part in agreement. */
  readonly isMember: () => boolean;
  ask(peer: NodeId, path: string, body: Buffer, timeoutMs: number): Promise<Asked>;
  readonly log: Log;
}

export class KeyKeepers {
  readonly #parts: KeyKeepersParts;
  /** Who would not take it, and rounds until they are asked again. */
  readonly #refused = new Map<NodeId, number>();

  constructor(parts: KeyKeepersParts) {
    this.#parts = parts;
  }

  /** Resolves to whether there is more to do soon. */
  async round(): Promise<boolean> {
    this.#forgetWhatIsNotNeeded();
    await this.#tell();
    for (const [id, rounds] of this.#refused) {
      if (rounds <= 1) this.#refused.delete(id);
      else this.#refused.set(id, rounds - 1);
    }
    return this.#handOver();
  }

  /** What a holder sent. */
  take(from: NodeId, body: Buffer): Asked {
    const { caKey, isCandidate, log } = this.#parts;
    if (!isCandidate()) return answer(409, 'etcd is not installed here');
    try {
      if (!caKey.isHere) log('info', 'this node has the key that signs certificates now, as a stand-by', { from: shortId(from) });
      caKey.take(body.toString());
      return answer(200, '');
    } catch (error) {
      return answer(400, (error as Error).message);
    }
  }

  /** Says in the agreed state whether this node has it. */
  async #tell(): Promise<void> {
    const { self, copy, caKey, store } = this.#parts;
    if (caKey.isHere === copy.views.caHolders.has(self) || copy.views.nodes.get(self)?.state !== 'in') return;
    const write = caKey.isHere ? put({ kind: 'ca-holder', node: self }) : { remove: KEYS.caHolder(self) };
    await store.transact({ when: [{ key: KEYS.nodeIn(self), is: 'present' }], then: [write] });
  }

  #forgetWhatIsNotNeeded(): void {
    const { self, copy, caKey, isMember, log } = this.#parts;
    if (!caKey.isHere || isMember()) return;
    const others = copy.views.members.filter((id) => id !== self && copy.views.caHolders.has(id));
    if (others.length < WANTED) return;
    caKey.drop();
    log('info', 'this node forgot the key that signs certificates: enough agreement members have it', {});
  }

  /** Of those alive that have it, the first sees to it that enough do. */
  async #handOver(): Promise<boolean> {
    const { self, copy, caKey, neighbours, log } = this.#parts;
    if (!caKey.isHere) return false;
    const alive = [self, ...neighbours.alive()];
    const holders = alive.filter((id) => copy.views.caHolders.has(id)).toSorted();
    if (holders[0] !== self || holders.length >= WANTED) return false;
    const [heir] = alive
      .filter((id) => copy.views.nodes.get(id)?.state === 'in' && !copy.views.caHolders.has(id) && !this.#refused.has(id))
      .toSorted((a, b) => Number(copy.views.members.includes(b)) - Number(copy.views.members.includes(a)) || (a < b ? -1 : 1));
    if (heir === undefined) return false;
    const body = Buffer.from(caKey.authority().privateKeyPem);
    const { status } = await this.#parts.ask(heir, CA_KEY_PATH, body, TIMEOUT_MS).catch(() => ({ status: 0 }));
    // What it has it tells by itself; until then it is not asked again.
    this.#refused.set(heir, REFUSED_ROUNDS);
    if (status === 200) log('info', 'a stand-by has the key that signs certificates now', { node: neighbours.nameOf(heir) });
    return true;
  }
}

const answer = (status: number, text: string): Asked => ({ status, body: Buffer.from(text) });
