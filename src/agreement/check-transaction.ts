import { utf8Length } from '../lib/utf8.ts';
import type { Transaction } from './port.ts';

/** Sizes in bytes, counts of keys. */
export const AGREEMENT_LIMITS = {
  /** Conditions and writes of one transaction together. */
  perTransaction: 64,
  keyBytes: 512,
  /** All values of one transaction; the engine takes requests of 1.5 MiB. */
  transactionBytes: 512 * 1024,
} as const;

/** Printable ASCII without space: then the order of characters is the order of bytes. */
const KEY = /^[\x21-\x7e]+$/;

/** A transaction that breaks the contract is our own mistake. @throws RangeError naming what is wrong */
export function checkTransaction({ when, then }: Transaction): void {
  if (when.length + then.length > AGREEMENT_LIMITS.perTransaction) {
    throw new RangeError(
      `a transaction has at most ${AGREEMENT_LIMITS.perTransaction} conditions and writes, this has ${when.length} and ${then.length}`,
    );
  }
  const written = new Set<string>();
  let size = 0;
  for (const write of then) {
    const key = 'put' in write ? write.put : write.remove;
    checkKey(key);
    if (written.has(key)) throw new RangeError(`the transaction writes ${JSON.stringify(key)} twice`);
    written.add(key);
    if ('put' in write) size += utf8Length(write.value);
  }
  for (const { key } of when) checkKey(key);
  if (size > AGREEMENT_LIMITS.transactionBytes) {
    throw new RangeError(`a transaction's values have at most ${AGREEMENT_LIMITS.transactionBytes} bytes together`);
  }
}

export function checkKey(key: string): void {
  if (!KEY.test(key) || key.length > AGREEMENT_LIMITS.keyBytes) {
    throw new RangeError(`a key is 1 to ${AGREEMENT_LIMITS.keyBytes} printable ASCII characters without space, not ${JSON.stringify(key)}`);
  }
}
