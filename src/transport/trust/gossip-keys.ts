/**
 * The instance's datagram keys: several are accepted, one is used. To rotate without a gap: add a
 * key everywhere, then use it everywhere (which keeps one predecessor), then drop that. A removed
 * node is shut out of the datagrams once its last key is gone.
 */
import { randomBytes } from 'node:crypto';

export interface GossipKey {
  /** 0–255; travels in each datagram. */
  readonly id: number;
  /** 32 bytes, base64. */
  readonly key: string;
}

export interface GossipKeys {
  /** Id of the key to seal with. */
  readonly use: number;
  readonly keys: readonly GossipKey[];
}

const KEY_BYTES = 32;
const KEYS = 4;

export function createGossipKeys(): GossipKeys {
  return { use: 0, keys: [newKey(0)] };
}

/** With one more accepted key, not used yet. @throws Error when several wait to be used already. */
export function addGossipKey(keys: GossipKeys): GossipKeys {
  if (keys.keys.length >= KEYS) throw new Error(`there are ${KEYS} gossip keys already: use the newest before adding another`);
  const id = ((keys.keys.at(-1)?.id ?? -1) + 1) % 256;
  return { use: keys.use, keys: [...keys.keys, newKey(id)] };
}

/** Seals with the newest key from now on; of the older ones only the last used stays accepted. */
export function useNewestGossipKey(keys: GossipKeys): GossipKeys {
  const newest = keys.keys.at(-1);
  if (newest === undefined) return keys;
  return { use: newest.id, keys: keys.keys.filter((key) => key.id === keys.use || key.id === newest.id) };
}

/** The one it seals with, and no other is accepted. */
export function onlyUsedGossipKey(keys: GossipKeys): GossipKeys {
  return { use: keys.use, keys: keys.keys.filter((key) => key.id === keys.use) };
}

/** Checks what came from a file or another node. @throws Error naming what is wrong. */
export function checkGossipKeys(value: unknown): GossipKeys {
  const { use, keys } = (value ?? {}) as Partial<Record<keyof GossipKeys, unknown>>;
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > KEYS) throw new Error(`gossip keys: expected 1 to ${KEYS} keys`);
  const checked = keys.map(checkKey);
  if (new Set(checked.map((key) => key.id)).size !== checked.length) throw new Error('gossip keys: an id appears twice');
  if (!checked.some((key) => key.id === use)) throw new Error(`gossip keys: the key to use, ${JSON.stringify(use)}, is not among them`);
  return { use: use as number, keys: checked };
}

function checkKey(value: unknown): GossipKey {
  const { id, key } = (value ?? {}) as Partial<Record<keyof GossipKey, unknown>>;
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > 255) throw new Error('gossip keys: an id must be 0 to 255');
  if (typeof key !== 'string' || Buffer.from(key, 'base64').length !== KEY_BYTES) {
    throw new Error(`gossip keys: key ${id} must be ${KEY_BYTES} bytes in base64`);
  }
  return { id, key };
}

function newKey(id: number): GossipKey {
  return { id, key: randomBytes(KEY_BYTES).toString('base64') };
}
