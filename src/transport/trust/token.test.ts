import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { instanceId, nodeId } from '../../core/model/index.ts';
import { addGossipKey, checkGossipKeys, createGossipKeys, useNewestGossipKey } from './gossip-keys.ts';
import { createSigner } from './signer.ts';
import { TokenBook } from './token-book.ts';
import type { TokenRecord, TokenStore } from './token-book.ts';
import { formatToken, MalformedToken, parseToken, tokenId } from './token.ts';

const a = nodeId('a'.repeat(32));
const b = nodeId('b'.repeat(32));

function memoryStore(): TokenStore & { records: Map<string, TokenRecord> } {
  const records = new Map<string, TokenRecord>();
  return {
    records,
    list: async () => [...records.values()],
    put: async (record) => void records.set(record.id, record),
    replace: async (before, after) => records.get(before.id) === before && records.set(before.id, after) !== undefined,
    remove: async (id) => records.delete(id),
  };
}

async function book() {
  const { certificatePem } = await createSigner().run({ kind: 'create-authority', instanceId: instanceId('0'.repeat(32)) });
  const clock = { now: 1_000_000 };
  const store = memoryStore();
  return { clock, store, ca: certificatePem, book: new TokenBook(store, () => clock.now) };
}

test('a token survives formatting, and any change to its text is refused', () => {
  const token = { caDigest: randomBytes(32), secret: randomBytes(24) };
  const text = formatToken(token);
  expect(parseToken(`  ${text}\n`)).toEqual(token);
  expect(() => parseToken(text.slice(0, -1))).toThrow(MalformedToken);
  expect(() => parseToken(`${text}.x`)).toThrow(/three parts/);
  expect(() => parseToken('SWMTKN-1-abc')).toThrow(/begins with "crvl1\."/);
  fc.assert(
    fc.property(fc.string(), (junk) => {
      try {
        parseToken(`crvl1.${junk}`);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedToken);
      }
    }),
  );
});

test('a token lets nodes in until it expires, and only its hash is kept', async () => {
  const { clock, store, ca, book: tokens } = await book();
  const { token, record } = await tokens.create(ca, 60_000, false);
  const { secret } = parseToken(token);
  expect(record.id).toBe(tokenId(secret));
  expect(JSON.stringify([...store.records.values()])).not.toContain(secret.toString('hex'));
  expect(await tokens.redeem(secret, a)).toEqual({ ok: true, tokenId: record.id });
  expect(await tokens.redeem(secret, b)).toEqual({ ok: true, tokenId: record.id });
  clock.now += 60_000;
  expect(await tokens.redeem(secret, a)).toMatchObject({ ok: false, why: 'token-expired' });
  expect(await tokens.redeem(randomBytes(24), a)).toMatchObject({ ok: false, why: 'token-unknown' });
  expect(await tokens.remove(record.id)).toBe(true);
  expect(await tokens.redeem(secret, a)).toMatchObject({ ok: false, why: 'token-unknown' });
});

test('a single-use token lets one node in, which may retry', async () => {
  const { clock, ca, book: tokens } = await book();
  const { secret } = parseToken((await tokens.create(ca, 60_000, true)).token);
  const both = await Promise.all([tokens.redeem(secret, a), tokens.redeem(secret, b)]);
  expect(both.filter((r) => r.ok)).toHaveLength(1);
  const winner = both[0].ok ? a : b;
  clock.now += 120_000;
  expect(await tokens.redeem(secret, winner)).toMatchObject({ ok: true });
  expect(await tokens.redeem(secret, winner === a ? b : a)).toMatchObject({ ok: false, why: 'token-used' });
});

test('a node that asks twice at once is let in twice, by one use', async () => {
  const { ca, book: tokens } = await book();
  const { secret } = parseToken((await tokens.create(ca, 60_000, true)).token);
  const both = await Promise.all([tokens.redeem(secret, a), tokens.redeem(secret, a)]);
  expect(both.map(({ ok }) => ok)).toEqual([true, true]);
  expect(await tokens.redeem(secret, b)).toMatchObject({ ok: false, why: 'token-used' });
});

test('a token without a time to live is refused; old ones are swept', async () => {
  const { clock, store, ca, book: tokens } = await book();
  await expect(tokens.create(ca, 0, false)).rejects.toThrow('got 0');
  await tokens.create(ca, 1, false);
  clock.now += 25 * 3_600_000;
  await tokens.create(ca, 1, false);
  expect(store.records.size).toBe(1);
});

test('gossip keys rotate with one predecessor accepted, and junk is refused', () => {
  const first = createGossipKeys();
  const added = addGossipKey(first);
  expect(added.use).toBe(0);
  const used = useNewestGossipKey(added);
  expect(used.use).toBe(1);
  expect(used.keys.map((key) => key.id)).toEqual([0, 1]);
  const again = useNewestGossipKey(addGossipKey(used));
  expect(again.keys.map((key) => key.id)).toEqual([1, 2]);
  expect(checkGossipKeys(structuredClone(again))).toEqual(again);
  expect(() => checkGossipKeys({ use: 7, keys: first.keys })).toThrow(/to use, 7/);
  expect(() => checkGossipKeys({ use: 0, keys: [{ id: 0, key: 'AAAA' }] })).toThrow(/32 bytes/);
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(() => checkGossipKeys(value)).toThrow(/gossip keys/);
    }),
  );
});
