/**
 * The join tokens that are valid, over a store that all signing nodes share. A single-use token
 * remembers the node that used it: that node may come again (its answer may have been lost),
 * nobody else.
 */
import { timingSafeEqual } from 'node:crypto';
import type { NodeId } from '../../core/model/index.ts';
import { formatToken, hashSecret, newToken, tokenId } from './token.ts';

/** What is kept of a token: nothing that lets anybody in. Times are wall-clock ms since 1970. */
export interface TokenRecord {
  /** First 12 hex digits of secretHash. */
  readonly id: string;
  /** SHA-256 of the secret, hex. */
  readonly secretHash: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly singleUse: boolean;
  /** The node a single-use token has let in; undefined: none yet. */
  readonly usedBy: NodeId | undefined;
}

export interface TokenStore {
  list(): Promise<readonly TokenRecord[]>;
  put(record: TokenRecord): Promise<void>;
  /** Compare-and-set on the record with this id: false when it is no longer `before`. */
  replace(before: TokenRecord, after: TokenRecord): Promise<boolean>;
  /** False when there is none. */
  remove(id: string): Promise<boolean>;
}

export type Redeemed =
  | { readonly ok: true; readonly tokenId: string }
  | { readonly ok: false; readonly why: 'token-unknown' | 'token-expired' | 'token-used'; readonly tokenId: string };

/** Bound on tokens kept at a time, expired ones included until the next create. */
const TOKENS = 256;

export class TokenBook {
  readonly #store: TokenStore;
  readonly #now: () => number;

  constructor(store: TokenStore, now: () => number = Date.now) {
    this.#store = store;
    this.#now = now;
  }

  /** @throws RangeError for a time to live that is not positive, Error when there are too many tokens. */
  async create(
    caCertificatePem: string,
    ttlMs: number,
    singleUse: boolean,
  ): Promise<{ readonly token: string; readonly record: TokenRecord }> {
    if (!(ttlMs > 0)) throw new RangeError(`a token must live longer than 0 ms, got ${ttlMs}`);
    await this.#sweep();
    const token = newToken(caCertificatePem);
    const now = this.#now();
    const record: TokenRecord = {
      id: tokenId(token.secret),
      secretHash: hashSecret(token.secret).toString('hex'),
      createdAtMs: now,
      expiresAtMs: now + ttlMs,
      singleUse,
      usedBy: undefined,
    };
    await this.#store.put(record);
    return { token: formatToken(token), record };
  }

  list(): Promise<readonly TokenRecord[]> {
    return this.#store.list();
  }

  /** False when there is no such token. */
  remove(id: string): Promise<boolean> {
    return this.#store.remove(id);
  }

  /** Whether this secret lets this node in. Every record is compared, whatever matches, so that the time taken tells nothing. */
  async redeem(secret: Uint8Array, nodeId: NodeId): Promise<Redeemed> {
    const hash = hashSecret(secret);
    let found: TokenRecord | undefined;
    for (const record of await this.#store.list()) {
      const known = Buffer.from(record.secretHash, 'hex');
      if (known.length === hash.length && timingSafeEqual(known, hash)) found = record;
    }
    const id = tokenId(secret);
    if (found === undefined) return { ok: false, why: 'token-unknown', tokenId: id };
    if (found.usedBy === nodeId) return { ok: true, tokenId: id };
    if (found.usedBy !== undefined) return { ok: false, why: 'token-used', tokenId: id };
    if (found.expiresAtMs <= this.#now()) return { ok: false, why: 'token-expired', tokenId: id };
    if (found.singleUse && !(await this.#store.replace(found, { ...found, usedBy: nodeId }))) {
      // Whoever was faster may be this very node: its join was repeated while the first was under way.
      const now = (await this.#store.list()).find((record) => record.id === id);
      if (now?.usedBy !== nodeId) return { ok: false, why: now === undefined ? 'token-unknown' : 'token-used', tokenId: id };
    }
    return { ok: true, tokenId: id };
  }

  /** Forgets what expired a day ago or more (until then a late join is told why), then the bound holds. */
  async #sweep(): Promise<void> {
    const records = await this.#store.list();
    const old = records.filter((record) => record.expiresAtMs + 24 * 3_600_000 <= this.#now());
    for (const record of old) await this.#store.remove(record.id);
    if (records.length - old.length >= TOKENS) {
      throw new Error(`there are ${TOKENS} join tokens already: remove some with "caravela token rm"`);
    }
  }
}
