import { randomBytes } from 'node:crypto';
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
import {
  base64,
  compareOf,
  compareRevision,
  dataKey,
  dataRange,
  entryOf,
  keyOf,
  kvsOf,
  modRevisionOf,
  operationOf,
  ownerKey,
  ownerRange,
  readOf,
  revisionOf,
  textOf,
} from './codec.ts';
import { DEADLINE_MS, untilAnswered } from './deadline.ts';
import { type Fields, type Gateway, GatewayError } from './gateway.ts';
import { type OwnerSlot, OwnerSlots } from './owner-slots.ts';
import { watchKeys } from './watch-keys.ts';

export interface EtcdStoreOptions {
  readonly gateway: Gateway;
  /** Whose owner slots these are: the node's id. */
  readonly client: string;
  /**
   * The epoch is the cluster's: a recovery or a restore makes a new cluster, under a token that carries the new epoch,
   * and a new store. So it can be neither stale nor changed while a store lives, and no key has to hold it.
   */
  readonly epoch: number;
  readonly nowMs: () => number;
}

/** Keys of one page of a long range: the member builds each answer in memory, three times over. */
const PAGE = 2_000;
/** No key comes to be of this revision. */
const NEVER = Number.MAX_SAFE_INTEGER;

/** The agreed store by way of this node's own member, which asks the leader itself. */
export class EtcdStore implements ReplicatedStore {
  readonly #options: EtcdStoreOptions;
  readonly #slots = new OwnerSlots();
  readonly #closed = new AbortController();

  constructor(options: EtcdStoreOptions) {
    this.#options = options;
  }

  async get(key: string): Promise<Answer<Entry | undefined>> {
    checkKey(key);
    const answer = await this.#read({ key: dataKey(key) });
    const kv = kvsOf(answer)[0];
    return { value: kv === undefined ? undefined : entryOf(kv), version: this.#version(revisionOf(answer)) };
  }

  async range(prefix: string): Promise<Answer<readonly Entry[]>> {
    const { range_end, ...first } = dataRange(prefix);
    const entries: Entry[] = [];
    let revision = 0;
    for (let key = first['key']; ; ) {
      // All pages are of the revision of the first.
      const page = await this.#read({ key, range_end, limit: String(PAGE), ...(revision > 0 && { revision: String(revision) }) });
      revision ||= revisionOf(page);
      const kvs = kvsOf(page);
      for (const kv of kvs) entries.push(entryOf(kv));
      if (page['more'] !== true) return { value: entries, version: this.#version(revision) };
      key = dataKey(`${keyOf(kvs.at(-1)!)}\0`);
    }
  }

  async transact(transaction: Transaction): Promise<Outcome> {
    checkTransaction(transaction);
    // What it waits for a slot is part of its time.
    const endMs = this.#options.nowMs() + DEADLINE_MS;
    const slot = await this.#slots.take();
    if (slot === undefined) throw new AgreementUnavailable('too many changes wait to be agreed: try again in a moment', 'no');
    try {
      const token = randomBytes(12).toString('base64url');
      return await this.#untilAnswered(async (timeLeftMs, mayHaveHappened) => {
        await this.#expectLeader(timeLeftMs);
        for (;;) {
          const outcome = await this.#attempt(transaction, slot, token, timeLeftMs, mayHaveHappened);
          if (outcome !== 'slot-moved') return outcome;
        }
      }, endMs);
    } finally {
      this.#slots.giveBack(slot);
    }
  }

  watch(prefix: string, revision: number, listener: WatchListener, signal: AbortSignal): void {
    watchKeys({
      gateway: this.#options.gateway,
      prefix,
      revision,
      versionOf: (at) => this.#version(at),
      listener,
      signal: AbortSignal.any([signal, this.#closed.signal]),
    });
  }

  /** Forgets the owner slots of a node that is no member any more. */
  async forgetOwner(client: string): Promise<void> {
    await this.#untilAnswered((timeLeftMs) => this.#post('/v3/kv/deleterange', ownerRange(client), timeLeftMs()));
  }

  /**
   * Its cluster is over for this node: watches end without a word, requests fail, also those under way. At the same
   * socket another cluster may answer next, to which what was decided by this one means nothing.
   */
  close(): void {
    this.#closed.abort();
  }

  /** `slot-moved`: nothing happened, the slot was not as believed. */
  async #attempt(
    { when, then, epoch }: Transaction,
    slot: OwnerSlot,
    token: string,
    timeLeftMs: () => number,
    mayHaveHappened: boolean,
  ): Promise<Outcome | 'slot-moved'> {
    const owner = ownerKey(this.#options.client, slot.number);
    const isOfAnother = epoch !== undefined && epoch !== this.#options.epoch;
    const answer = await this.#write(
      {
        compare: [compareRevision(owner, slot.revision), ...when.map(compareOf), ...(isOfAnother ? [compareRevision(owner, NEVER)] : [])],
        success: [...then.map(operationOf), { request_put: { key: owner, value: base64(token) } }],
        failure: [owner, ...new Set(when.map(({ key }) => dataKey(key)))].map(readOf),
      },
      timeLeftMs,
    );
    const revision = revisionOf(answer);
    if (answer['succeeded'] === true) {
      slot.revision = revision;
      return { committed: true, version: this.#version(revision), found: [] };
    }
    const [inSlot, ...read] = rangesOf(answer);
    const mark = inSlot?.[0];
    const marked = mark === undefined ? 0 : modRevisionOf(mark);
    if (marked !== slot.revision) {
      slot.revision = marked;
      const isOurs = mark !== undefined && textOf(mark['value']) === token;
      return isOurs ? { committed: true, version: this.#version(marked), found: [] } : 'slot-moved';
    }
    // An earlier attempt may still be on its way, and its conditions may come true before it arrives: it must find the
    // slot changed before we say that nothing was written. If it was faster, its token is there.
    if (mayHaveHappened && !(await this.#changeSlot(owner, slot, timeLeftMs))) return 'slot-moved';
    return { committed: false, version: this.#version(revision), found: read.flat().map(entryOf) };
  }

  async #changeSlot(owner: string, slot: OwnerSlot, timeLeftMs: () => number): Promise<boolean> {
    const answer = await this.#write(
      { compare: [compareRevision(owner, slot.revision)], success: [{ request_put: { key: owner, value: base64('none') } }] },
      timeLeftMs,
    );
    if (answer['succeeded'] !== true) return false;
    slot.revision = revisionOf(answer);
    return true;
  }

  #write(body: Fields, timeLeftMs: () => number): Promise<Fields> {
    return this.#post('/v3/kv/txn', body, timeLeftMs());
  }

  /** Linearizable: etcd asks a majority whether its leader still is one (Ongaro 2014, §6.4). */
  #read(body: Fields): Promise<Fields> {
    return this.#untilAnswered((timeLeftMs) => this.#post('/v3/kv/range', body, timeLeftMs()));
  }

  /** A write that is sent without a leader waits in the member for an unknown fate; so it is not sent. */
  async #expectLeader(timeLeftMs: () => number): Promise<void> {
    const status = await this.#post('/v3/maintenance/status', {}, timeLeftMs()).catch((error: unknown) => {
      throw error instanceof GatewayError ? new GatewayError(error.message, 'no') : error;
    });
    if (status['leader'] === undefined || status['leader'] === '0') throw new GatewayError('there is no leader', 'no');
  }

  #untilAnswered<T>(attempt: (timeLeftMs: () => number, mayHaveHappened: boolean) => Promise<T>, endMs?: number): Promise<T> {
    return untilAnswered(
      this.#options.nowMs,
      (timeLeftMs, mayHaveHappened) => {
        if (!this.#closed.signal.aborted) return attempt(timeLeftMs, mayHaveHappened);
        throw new AgreementUnavailable('this node’s agreement member has just ended: try again', mayHaveHappened ? 'unknown' : 'no');
      },
      endMs,
    );
  }

  async #post(path: string, body: Fields, timeoutMs: number): Promise<Fields> {
    if (this.#closed.signal.aborted) throw new GatewayError('this node’s member has just ended', 'no');
    return this.#options.gateway.post(path, body, timeoutMs);
  }

  #version(revision: number): AgreedVersion {
    return { epoch: this.#options.epoch, revision };
  }
}

const rangesOf = (answer: Fields): readonly (readonly Fields[])[] =>
  ((answer['responses'] as readonly Fields[] | undefined) ?? []).map((each) => kvsOf((each['response_range'] as Fields | undefined) ?? {}));
