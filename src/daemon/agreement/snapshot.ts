import { AGREEMENT_LIMITS } from '../../agreement/check-transaction.ts';
import type { Entry } from '../../agreement/port.ts';
import { decodeFact, encodeFact } from '../../agreement/state/codec.ts';
import { KEYS, PREFIX } from '../../agreement/state/keys.ts';
import type { AgreedVersion } from '../../core/model/index.ts';

/** A key and what it says, without revisions: those are a cluster's own. */
export type Pair = Pick<Entry, 'key' | 'value'>;

export interface Snapshot {
  readonly instanceId: string;
  readonly version: AgreedVersion;
  readonly takenAtMs: number;
  readonly entries: readonly Pair[];
}

const FORMAT = 'caravela agreement snapshot 1';
const BYTES = 256 * 1024 * 1024;
const STAYS = [`${PREFIX}nodes/`, `${PREFIX}ca-holders/`, KEYS.tokens, KEYS.gossip];

/** One JSON document, one key a line, for people and diff; without what is secret. */
export function formatSnapshot({ instanceId, version, takenAtMs, entries }: Snapshot): Buffer {
  const head = JSON.stringify({ format: FORMAT, instanceId, version, takenAt: new Date(takenAtMs).toISOString() }).slice(0, -1);
  const lines = entries.filter(({ key }) => !key.startsWith(KEYS.gossip)).map(({ key, value }) => JSON.stringify({ key, value }));
  return Buffer.from(`${head},"entries":[\n${lines.join(',\n')}\n]}\n`);
}

/** @throws Error naming what is wrong with it */
export function parseSnapshot(bytes: Buffer, instanceId: string): Snapshot {
  if (bytes.length > BYTES) throw new Error(`a snapshot has at most ${BYTES} bytes, this one ${bytes.length}`);
  const fields = objectOf(parse(bytes));
  if (fields['format'] !== FORMAT)
    throw new Error(`this is no snapshot of what an instance agreed on: it should begin with {"format":"${FORMAT}"`);
  if (fields['instanceId'] !== instanceId) {
    throw new Error(
      `this snapshot is of instance ${String(fields['instanceId']).slice(0, 12)}, this node belongs to ${instanceId.slice(0, 12)}`,
    );
  }
  const { epoch, revision } = objectOf(fields['version']);
  const takenAtMs = Date.parse(String(fields['takenAt']));
  if (!Number.isInteger(epoch) || !Number.isInteger(revision) || Number.isNaN(takenAtMs)) throw new Error('the snapshot’s head is damaged');
  const { entries } = fields;
  if (!Array.isArray(entries)) throw new Error('the snapshot has no entries: it is damaged');
  return { instanceId, version: { epoch: epoch as number, revision: revision as number }, takenAtMs, entries: entries.map(pairOf) };
}

/**
 * What to agree on after a restore: the snapshot's networks, leases and volumes. Who belongs to the instance, who was
 * removed, the next number, the join tokens and the gossip keys stay as they are now: what was given out since must not be
 * given out again, and a token that was used or taken back must let nobody in again.
 */
export function restored(snapshot: Snapshot, now: readonly Pair[]): readonly Pair[] {
  const stays = (key: string) => STAYS.some((prefix) => key.startsWith(prefix));
  const kept = snapshot.entries.filter(({ key }) => key !== KEYS.members && (now.length === 0 || !stays(key)));
  const nodes = now.filter(({ key }) => stays(key));
  const next = Math.max(nextNumber(snapshot.entries), nextNumber(now));
  const { key, value } = encodeFact({ kind: 'next-number', next });
  return [...kept, ...nodes].filter((entry) => entry.key !== key).concat({ key, value });
}

function nextNumber(entries: readonly Pair[]): number {
  const entry = entries.find(({ key }) => key === KEYS.nextNumber);
  const decoded = entry === undefined ? undefined : decodeFact(entry.key, entry.value);
  return decoded?.ok === true && decoded.fact.kind === 'next-number' ? decoded.fact.next : 1;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch (error) {
    throw new Error(`the snapshot can't be read: ${(error as Error).message}`, { cause: error });
  }
}

function pairOf(value: unknown): Pair {
  const { key, value: text } = objectOf(value);
  if (typeof key !== 'string' || typeof text !== 'string' || !key.startsWith(PREFIX) || key.length > AGREEMENT_LIMITS.keyBytes) {
    throw new Error('an entry of the snapshot is damaged');
  }
  const decoded = decodeFact(key, text);
  if (!decoded.ok) throw new Error(`the snapshot's entry ${key} makes no sense: ${decoded.why}`);
  return { key, value: text };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('the snapshot is damaged: an object is missing');
  return value as Readonly<Record<string, unknown>>;
}
