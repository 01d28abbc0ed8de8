import type { Change, Condition, Entry, Write } from '../port.ts';
import type { Fields } from './gateway.ts';

/**
 * Our keys and values in the gateway's JSON: bytes as base64, 64-bit numbers as texts, zero values left out
 * (etcd's rpc.proto). Agreed keys lie under a prefix, beside the marks of their writers.
 */
const DATA = 'caravela/data/';
const OWNERS = 'caravela/owners/';

export const base64 = (text: string): string => Buffer.from(text).toString('base64');
export const dataKey = (key: string): string => base64(DATA + key);
export const ownerKey = (client: string, slot: number): string => base64(`${OWNERS}${client}/${slot}`);

/** As a range request: all keys that begin with the prefix. */
export const dataRange = (prefix: string): Fields => prefixRange(DATA + prefix);
export const ownerRange = (client: string): Fields => prefixRange(`${OWNERS}${client}/`);

/** The end of the range is the prefix with its last byte raised; all our keys are ASCII, so there is room above. */
function prefixRange(prefix: string): Fields {
  const end = Buffer.from(prefix);
  end[end.length - 1]! += 1;
  return { key: base64(prefix), range_end: end.toString('base64') };
}

export function compareOf(condition: Condition): Fields {
  const key = dataKey(condition.key);
  switch (condition.is) {
    case 'absent':
      return { key, target: 'CREATE', result: 'EQUAL', create_revision: '0' };
    case 'present':
      return { key, target: 'CREATE', result: 'GREATER', create_revision: '0' };
    default:
      return compareRevision(key, condition.modRevision);
  }
}

/** The key was last changed at this revision; 0: there is none. */
export const compareRevision = (key: string, revision: number): Fields => ({
  key,
  target: 'MOD',
  result: 'EQUAL',
  mod_revision: String(revision),
});

export const operationOf = (write: Write): Fields =>
  'put' in write
    ? { request_put: { key: dataKey(write.put), value: base64(write.value) } }
    : { request_delete_range: { key: dataKey(write.remove) } };

export const readOf = (key: string): Fields => ({ request_range: { key } });

export function revisionOf(answer: Fields): number {
  return Number((answer['header'] as Fields | undefined)?.['revision'] ?? 0);
}

export const kvsOf = (answer: Fields): readonly Fields[] => (answer['kvs'] as readonly Fields[] | undefined) ?? [];

export const textOf = (value: unknown): string => Buffer.from((value as string | undefined) ?? '', 'base64').toString();

export const keyOf = (kv: Fields): string => textOf(kv['key']).slice(DATA.length);
export const modRevisionOf = (kv: Fields): number => Number(kv['mod_revision'] ?? 0);

export function entryOf(kv: Fields): Entry {
  return {
    key: keyOf(kv),
    value: textOf(kv['value']),
    modRevision: modRevisionOf(kv),
    createRevision: Number(kv['create_revision'] ?? 0),
  };
}

/** A watch's events, by revision in order. */
export function changesOf(events: readonly Fields[]): readonly { readonly revision: number; readonly changes: readonly Change[] }[] {
  const groups: { revision: number; changes: Change[] }[] = [];
  for (const event of events) {
    const kv = event['kv'] as Fields;
    const revision = modRevisionOf(kv);
    const change: Change = { key: keyOf(kv), entry: event['type'] === 'DELETE' ? undefined : entryOf(kv) };
    const last = groups.at(-1);
    if (last?.revision === revision) last.changes.push(change);
    else groups.push({ revision, changes: [change] });
  }
  return groups;
}
