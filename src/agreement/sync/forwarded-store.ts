/**
 * The agreed store for a node that runs no member: one member's daemon after the other is asked until one gets
 * it agreed, or the time is up. A transaction whose answer was lost may have happened; so each carries a token
 * in a key of this node's own, and requires that this key is as it was: at most one attempt can come about, and
 * the next one recognises it.
 */
import { randomBytes } from 'node:crypto';
import { type AgreedVersion, type NodeId, shortId } from '../../core/model/index.ts';
import {
  AgreementUnavailable,
  type Answer,
  type Condition,
  type Entry,
  type Outcome,
  type StoreAccess,
  type Transaction,
  type Write,
} from '../port.ts';
import { checkTransaction } from '../check-transaction.ts';
import { forwardKeys } from '../state/keys.ts';
import type { Update } from '../state/update.ts';
import { checkStoreAnswer, type StoreAnswer, type StoreRequest } from './messages.ts';
import { pack, unpack } from './pack.ts';
import { type Asked, STORE_PATH } from './port.ts';

export interface ForwardingHost {
  readonly self: NodeId;
  /** Whom to ask, best first. */
  members(): readonly NodeId[];
  version(): AgreedVersion;
  /** What an answer brought along for the copy. */
  onUpdate(update: Update): void;
  ask(peer: NodeId, path: string, body: Buffer, timeoutMs: number): Promise<Asked>;
  nowMs(): number;
}

/** Retries included (DESIGN §9b). */
const DEADLINE_MS = 2_500;
/** For one member: one that hangs leaves time for another. */
const ATTEMPT_MS = 1_500;
/** Transactions that wait for a slot. */
const WAITING = 1_024;

interface Slot {
  readonly key: string;
  revision: number;
}

export class ForwardedStore implements StoreAccess {
  readonly #host: ForwardingHost;
  readonly #free: Slot[];
  readonly #waiting: ((slot: Slot) => void)[] = [];
  /** Who answered last. */
  #preferred: NodeId | undefined;

  constructor(host: ForwardingHost) {
    this.#host = {
      self: host.self,
      version: () => host.version(),
      onUpdate: (update) => host.onUpdate(update),
      nowMs: () => host.nowMs(),
      members: () => host.members().toSorted((a, b) => Number(b === this.#preferred) - Number(a === this.#preferred)),
      ask: async (peer, path, body, timeoutMs) => {
        const asked = await host.ask(peer, path, body, timeoutMs);
        this.#preferred = peer;
        return asked;
      },
    };
    this.#free = forwardKeys(host.self).map((key) => ({ key, revision: 0 }));
  }

  async get(key: string): Promise<Answer<Entry | undefined>> {
    const answer = await new Attempts(this.#host).ask({ kind: 'get', key });
    return { value: answer.entry, version: answer.version };
  }

  async range(prefix: string): Promise<Answer<readonly Entry[]>> {
    const answer = await new Attempts(this.#host).ask({ kind: 'range', prefix });
    return { value: answer.entries, version: answer.version };
  }

  async transact(transaction: Transaction): Promise<Outcome> {
    // What it waits for a slot is part of its time.
    const attempts = new Attempts(this.#host);
    if (this.#waiting.length >= WAITING) throw new AgreementUnavailable('too many changes wait to be agreed: try again in a moment', 'no');
    const slot = this.#free.pop() ?? (await new Promise<Slot>((resolve) => this.#waiting.push(resolve)));
    try {
      return await this.#transact(transaction, slot, attempts);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(slot);
      else next(slot);
    }
  }

  async #transact(transaction: Transaction, slot: Slot, attempts: Attempts): Promise<Outcome> {
    const token = randomBytes(12).toString('base64url');
    for (;;) {
      const marked = withSlot(transaction, slot, token);
      const { outcome, update } = await attempts.ask({ kind: 'transact', transaction: marked, have: this.#host.version() });
      if (update !== undefined) this.#host.onUpdate(update);
      if (outcome.committed) {
        slot.revision = outcome.version.revision;
        return outcome;
      }
      const mark = outcome.found.find((entry) => entry.key === slot.key);
      if ((mark?.modRevision ?? 0) !== slot.revision) {
        slot.revision = mark?.modRevision ?? 0;
        if (mark?.value === token) return { committed: true, version: { ...outcome.version, revision: mark.modRevision }, found: [] };
        continue;
      }
      // An earlier attempt may still be on its way, and its conditions may come true before it arrives: it must find the
      // slot changed before we say that nothing was written.
      if (attempts.mayHaveHappened) {
        const bump = withSlot({ when: [], then: [] }, slot, 'none');
        const bumped = await attempts.ask({ kind: 'transact', transaction: bump, have: this.#host.version() });
        if (!bumped.outcome.committed) continue;
        slot.revision = bumped.outcome.version.revision;
      }
      return { ...outcome, found: outcome.found.filter((entry) => entry.key !== slot.key) };
    }
  }
}

/** A node that leaves takes its slots away, but for the one by which it does. @throws RangeError for what is no transaction */
function withSlot({ when, then, ...rest }: Transaction, slot: Slot, token: string): Transaction {
  const condition: Condition = { key: slot.key, is: 'at', modRevision: slot.revision };
  const write: Write = { put: slot.key, value: token };
  const others = then.filter((each) => !('remove' in each && each.remove === slot.key));
  const marked = { ...rest, when: [...when, condition], then: [...others, write] };
  checkTransaction(marked);
  return marked;
}

/** The members in turn, within one deadline. */
class Attempts {
  readonly #host: ForwardingHost;
  readonly #endMs: number;
  readonly #failures = new Map<NodeId, string>();
  #next = 0;
  mayHaveHappened = false;

  constructor(host: ForwardingHost) {
    this.#host = host;
    this.#endMs = host.nowMs() + DEADLINE_MS;
  }

  /** @throws AgreementUnavailable */
  async ask<K extends StoreRequest['kind']>(request: Extract<StoreRequest, { kind: K }>): Promise<Extract<StoreAnswer, { kind: K }>> {
    const members = this.#host.members();
    // Each twice: the first may have been asked in the midst of an election.
    for (let tries = 0; tries < 2 * members.length; tries++) {
      const member = members[this.#next % members.length] as NodeId;
      const timeoutMs = Math.min(ATTEMPT_MS, this.#endMs - this.#host.nowMs());
      if (timeoutMs <= 0) break;
      const answer = await this.#askOne(member, request, timeoutMs);
      if (answer?.kind === request.kind) return answer as Extract<StoreAnswer, { kind: K }>;
      this.#next += 1;
    }
    const tried = [...this.#failures].map(([member, why]) => `${shortId(member)}: ${why}`).join('; ');
    const message = members.length === 0 ? 'no agreement member is known here' : `no agreement member got it agreed (${tried})`;
    throw new AgreementUnavailable(message, this.mayHaveHappened ? 'unknown' : 'no');
  }

  async #askOne(member: NodeId, request: StoreRequest, timeoutMs: number): Promise<StoreAnswer | undefined> {
    try {
      const { status, body } = await this.#host.ask(member, STORE_PATH, await pack(request), timeoutMs);
      if (status !== 200) {
        // Most say so before anything is done; one whose answer could not be made or sent has done it.
        this.#failures.set(member, `it answered with status ${status}`);
        this.mayHaveHappened ||= request.kind === 'transact' && status >= 500 && status !== 503;
        return undefined;
      }
      const answer = checkStoreAnswer(await unpack(body));
      if (answer.kind !== 'unavailable') {
        const { epoch } = answer.kind === 'transact' ? answer.outcome.version : answer.version;
        if (epoch >= this.#host.version().epoch) return answer;
        // Agreement was rebuilt since: what is agreed there is lost as soon as it hears of it.
        this.#failures.set(member, `it is of epoch ${epoch}, which is over`);
        this.mayHaveHappened ||= answer.kind === 'transact' && answer.outcome.committed;
        return undefined;
      }
      this.#failures.set(member, answer.message);
      if (answer.changed === 'unknown') this.mayHaveHappened = true;
    } catch (error) {
      this.#failures.set(member, (error as Error).message);
      this.mayHaveHappened ||= request.kind === 'transact' && !isUnsent(error as Error);
    }
    return undefined;
  }
}

/** The transport says so where there was no connection. */
const isUnsent = (error: Error): boolean => 'isUnsent' in error && error.isUnsent === true;
