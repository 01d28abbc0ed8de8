/**
 * Who has the key that signs certificates. Agreement members need it; and so that it is never lost with one host,
 * three nodes have it as soon as there are three, two while there are two: a node with etcd that is no member is
 * then a stand-by, which can also rebuild agreement when the only member is lost. One that is not needed any more
 * forgets the key.
 *
 * That several forget at once, each relying on another, must not lose it. So what is agreed decides: who is written
 * down as a holder has the key on its disk, written before and dropped after. To forget is first to be struck out,
 * on condition that three members are still written down: of two that want the same, one finds that the other was
 * struck out before it. A node that ends between the two, or never hears the answer, still has the key and says so
 * again. Members never forget, and get the key before they are members.
 */
import { put, unchanged } from '../../agreement/state/deciding.ts';
import type { Condition, StoreAccess } from '../../agreement/port.ts';
import type { Copy } from '../../agreement/state/copy.ts';
import { KEYS } from '../../agreement/state/keys.ts';
import type { Asked } from '../../agreement/sync/port.ts';
import { type NodeId, shortId } from '../../core/model/index.ts';
import type { Log } from '../log.ts';
import type { CaKey } from './ca-key.ts';
import type { Neighbours } from './neighbours.ts';

/** POST, the key's PEM: a holder hands it over. 409: this node can't use it; 503: not now. */
export const CA_KEY_PATH = '/agreement/ca-key';
export const CA_KEY_BYTES = 8 * 1024;

const WANTED = 3;
const TIMEOUT_MS = 5_000;
/** A node that can't use it is asked again after this many rounds; one that did not answer, or has not said that it has it, sooner. */
const REFUSED_ROUNDS = 20;
const FAILED_ROUNDS = 3;

export interface KeyKeepersParts {
  readonly self: NodeId;
  readonly copy: Copy;
  readonly caKey: Pick<CaKey, 'isHere' | 'authority' | 'take' | 'drop'>;
  readonly store: StoreAccess;
  readonly neighbours: Pick<Neighbours, 'alive' | 'nameOf'>;
  /** Whether etcd is installed here. */
  readonly isCandidate: () => boolean;
  /** Whether this node takes part in agreement, or is about to. */
  readonly isMember: () => boolean;
  ask(peer: NodeId, path: string, body: Buffer, timeoutMs: number): Promise<Asked>;
  readonly log: Log;
}

export class KeyKeepers {
  readonly #parts: KeyKeepersParts;
  /** Who would not take it, and rounds until they are asked again. */
  readonly #refused = new Map<NodeId, number>();
  /** Rounds in which too few had it. */
  #shortRounds = 0;
  #isForgetting = false;

  constructor(parts: KeyKeepersParts) {
    this.#parts = parts;
  }

  /** Resolves to whether there is more to do soon. */
  async round(): Promise<boolean> {
    await this.#tell();
    await this.#forgetWhatIsNotNeeded();
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
    if (this.#isForgetting) return answer(503, 'this node is just forgetting it: try again');
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

  async #forgetWhatIsNotNeeded(): Promise<void> {
    const { self, copy, caKey, store, isMember, log } = this.#parts;
    if (!caKey.isHere || isMember() || !copy.views.caHolders.has(self)) return;
    const alive = new Set(this.#parts.neighbours.alive());
    const keepers = copy.views.members.filter((id) => id !== self && alive.has(id) && copy.views.caHolders.has(id));
    if (keepers.length < WANTED) return;
    this.#isForgetting = true;
    try {
      const { committed } = await store.transact({
        when: [
          unchanged(KEYS.members, copy.entry(KEYS.members)),
          ...keepers.map((id): Condition => ({ key: KEYS.caHolder(id), is: 'present' })),
        ],
        then: [{ remove: KEYS.caHolder(self) }],
        epoch: copy.version.epoch,
      });
      // It may have been invited meanwhile.
      if (!committed || isMember()) return;
      caKey.drop();
      log('info', 'this node forgot the key that signs certificates: enough agreement members have it', {});
    } finally {
      this.#isForgetting = false;
    }
  }

  /** Of those alive that have it, the first sees to it that enough do; where nothing comes of it, the next one does, too. */
  async #handOver(): Promise<boolean> {
    const { self, copy, caKey, store, neighbours, log } = this.#parts;
    if (!caKey.isHere) return false;
    const alive = [self, ...neighbours.alive()];
    const holders = alive.filter((id) => copy.views.caHolders.has(id)).toSorted();
    this.#shortRounds = holders.length < WANTED ? this.#shortRounds + 1 : 0;
    const rank = holders.indexOf(self);
    if (rank < 0 || rank >= this.#shortRounds) return false;
    const [heir] = alive
      .filter((id) => copy.views.nodes.get(id)?.state === 'in' && !copy.views.caHolders.has(id) && !this.#refused.has(id))
      .toSorted((a, b) => Number(copy.views.members.includes(b)) - Number(copy.views.members.includes(a)) || (a < b ? -1 : 1));
    if (heir === undefined) return false;
    // A node that was removed must not be given it because this copy is old.
    if ((await store.get(KEYS.nodeIn(heir))).value === undefined) return false;
    const body = Buffer.from(caKey.authority().privateKeyPem);
    const { status } = await this.#parts.ask(heir, CA_KEY_PATH, body, TIMEOUT_MS).catch(() => ({ status: 0 }));
    // What it has it tells by itself; until then it is not asked again.
    this.#refused.set(heir, status === 409 ? REFUSED_ROUNDS : FAILED_ROUNDS);
    if (status === 200) log('info', 'a stand-by has the key that signs certificates now', { node: neighbours.nameOf(heir) });
    return true;
  }
}

const answer = (status: number, text: string): Asked => ({ status, body: Buffer.from(text) });
