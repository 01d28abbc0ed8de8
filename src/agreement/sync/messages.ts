import type { AgreedVersion } from '../../core/model/index.ts';
import { AGREEMENT_LIMITS, checkTransaction } from '../check-transaction.ts';
import type { Condition, Entry, Outcome, Transaction, Write } from '../port.ts';
import { PREFIX } from '../state/keys.ts';
import type { Update } from '../state/update.ts';

/** What a node that is no member asks a member's store. */
export type StoreRequest =
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'range'; readonly prefix: string }
  /** `have`: what the asker's copy is at; it is told what it lacks together with the outcome. */
  | { readonly kind: 'transact'; readonly transaction: Transaction; readonly have: AgreedVersion };

export type StoreAnswer =
  | { readonly kind: 'get'; readonly entry: Entry | undefined; readonly version: AgreedVersion }
  | { readonly kind: 'range'; readonly entries: readonly Entry[]; readonly version: AgreedVersion }
  | { readonly kind: 'transact'; readonly outcome: Outcome; readonly update: Update | undefined }
  /** The member could not get it agreed. */
  | { readonly kind: 'unavailable'; readonly message: string; readonly changed: 'no' | 'unknown' };

/** More keys than leases, networks and nodes may be together. */
const ENTRIES = 1_000_000;
const VALUE_LENGTH = 128 * 1024;
const HIGHEST = Number.MAX_SAFE_INTEGER;

/** @throws Error naming what is wrong, as all checks here */
export function checkVersion(value: unknown): AgreedVersion {
  const { epoch, revision } = fieldsOf(value, 'a version');
  return { epoch: countOf(epoch, 'epoch'), revision: countOf(revision, 'revision') };
}

export function checkUpdate(value: unknown): Update {
  const { from, version, entries, removed } = fieldsOf(value, 'an update');
  const checked: Update = {
    from: from === undefined ? undefined : checkVersion(from),
    version: checkVersion(version),
    entries: listOf(entries, 'entries', ENTRIES).map(checkEntry),
    removed: listOf(removed, 'removed', ENTRIES).map(checkAgreedKey),
  };
  if (checked.entries.some((entry) => entry.modRevision > checked.version.revision)) {
    throw new Error('an update’s entries must be of its version or an earlier one');
  }
  return checked;
}

/** Only what is agreed; and, of what lies beside it, what belongs to the asker. */
export function checkStoreRequest(value: unknown, ownPrefix: string): StoreRequest {
  const { kind, key, prefix, transaction, have } = fieldsOf(value, 'a request');
  const within = (text: unknown): string => {
    const checked = keyOf(text);
    if (!checked.startsWith(PREFIX) && !checked.startsWith(ownPrefix)) throw new Error(`only keys under ${PREFIX} may be asked for`);
    return checked;
  };
  switch (kind) {
    case 'get':
      return { kind, key: within(key) };
    case 'range':
      return { kind, prefix: within(prefix) };
    case 'transact': {
      const { when, then, epoch } = fieldsOf(transaction, 'a transaction');
      const checked: Transaction = {
        when: listOf(when, 'when', AGREEMENT_LIMITS.perTransaction).map((each) => checkCondition(each, within)),
        then: listOf(then, 'then', AGREEMENT_LIMITS.perTransaction).map((each) => checkWrite(each, within)),
        ...(epoch !== undefined && { epoch: countOf(epoch, 'epoch') }),
      };
      checkTransaction(checked);
      return { kind, transaction: checked, have: checkVersion(have) };
    }
    default:
      throw new Error('kind must be get, range or transact');
  }
}

export function checkStoreAnswer(value: unknown): StoreAnswer {
  const fields = fieldsOf(value, 'an answer');
  const { kind, entry, entries, version, outcome, update, message, changed } = fields;
  switch (kind) {
    case 'get':
      return { kind, entry: entry === undefined ? undefined : checkAnyEntry(entry), version: checkVersion(version) };
    case 'range':
      return { kind, entries: listOf(entries, 'entries', ENTRIES).map(checkAnyEntry), version: checkVersion(version) };
    case 'transact':
      return { kind, outcome: checkOutcome(outcome), update: update === undefined ? undefined : checkUpdate(update) };
    case 'unavailable':
      if (typeof message !== 'string' || (changed !== 'no' && changed !== 'unknown')) throw new Error('a refusal must say why');
      return { kind, message: message.slice(0, 1_000), changed };
    default:
      throw new Error('kind must be get, range, transact or unavailable');
  }
}

function checkOutcome(value: unknown): Outcome {
  const { committed, version, found } = fieldsOf(value, 'an outcome');
  if (typeof committed !== 'boolean') throw new Error('committed must be true or false');
  return { committed, version: checkVersion(version), found: listOf(found, 'found', AGREEMENT_LIMITS.perTransaction).map(checkAnyEntry) };
}

function checkCondition(value: unknown, within: (key: unknown) => string): Condition {
  const { key, is, modRevision } = fieldsOf(value, 'a condition');
  switch (is) {
    case 'absent':
    case 'present':
      return { key: within(key), is };
    case 'at':
      return { key: within(key), is, modRevision: countOf(modRevision, 'modRevision') };
    default:
      throw new Error('a condition must be absent, present or at');
  }
}

function checkWrite(value: unknown, within: (key: unknown) => string): Write {
  const { put, remove, value: text } = fieldsOf(value, 'a write');
  return put === undefined ? { remove: within(remove) } : { put: within(put), value: valueOf(text) };
}

function checkEntry(value: unknown): Entry {
  const entry = checkAnyEntry(value);
  checkAgreedKey(entry.key);
  return entry;
}

function checkAnyEntry(value: unknown): Entry {
  const { key, value: text, modRevision, createRevision } = fieldsOf(value, 'an entry');
  return {
    key: keyOf(key),
    value: valueOf(text),
    modRevision: countOf(modRevision, 'modRevision'),
    createRevision: countOf(createRevision, 'createRevision'),
  };
}

function checkAgreedKey(value: unknown): string {
  const key = keyOf(value);
  if (!key.startsWith(PREFIX)) throw new Error(`keys of what is agreed begin with ${PREFIX}`);
  return key;
}

function keyOf(value: unknown): string {
  if (typeof value !== 'string' || value.length > AGREEMENT_LIMITS.keyBytes || !/^[\x21-\x7e]+$/.test(value)) {
    throw new Error(`a key must be 1 to ${AGREEMENT_LIMITS.keyBytes} printable ASCII characters`);
  }
  return value;
}

function valueOf(value: unknown): string {
  if (typeof value !== 'string' || value.length > VALUE_LENGTH)
    throw new Error(`a value must be a text of at most ${VALUE_LENGTH} characters`);
  return value;
}

function countOf(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > HIGHEST) throw new Error(`${what} must be a count`);
  return value;
}

function listOf(value: unknown, what: string, max: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > max) throw new Error(`${what} must be a list of at most ${max}`);
  return value;
}

function fieldsOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} must be an object`);
  return value as Readonly<Record<string, unknown>>;
}
