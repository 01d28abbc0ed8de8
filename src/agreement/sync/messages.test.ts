import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeFact } from '../state/codec.ts';
import { facts } from '../state/arbitrary.test-helper.ts';
import { PREFIX } from '../state/keys.ts';
import { checkStoreAnswer, checkStoreRequest, checkUpdate, checkVersion } from './messages.ts';
import { pack, unpack } from './pack.ts';

const OWN = '/caravela/forward/x/';
const revisions = fc.nat({ max: 2 ** 40 });
const versions = fc.record({ epoch: fc.nat(), revision: revisions });
const entries = fc
  .tuple(facts, revisions)
  .map(([fact, revision]) => ({ ...encodeFact(fact), modRevision: revision, createRevision: revision }));
const updates = fc
  .record({
    from: fc.option(versions, { nil: undefined }),
    version: versions,
    entries: fc.array(entries),
    removed: fc.array(entries.map((entry) => entry.key)),
  })
  .map((update) => ({ ...update, entries: update.entries.filter((entry) => entry.modRevision <= update.version.revision) }));

test('updates travel whole', async () => {
  await fc.assert(
    fc.asyncProperty(updates, async (update) => {
      expect(checkUpdate(await unpack(await pack(update)))).toEqual(update);
    }),
  );
});

test('junk is refused by an Error, whatever it is', async () => {
  const junk = fc.oneof(
    fc.anything(),
    fc.object(),
    fc.record({ kind: fc.constantFrom('get', 'range', 'transact', 'unavailable'), key: fc.anything() }),
  );
  const broken = fc
    .tuple(updates, fc.constantFrom('version', 'entries', 'removed', 'from'), fc.anything())
    .map(([update, field, value]) => ({ ...update, [field]: value }));
  await fc.assert(
    fc.asyncProperty(fc.oneof(junk, broken), async (value) => {
      for (const check of [checkUpdate, checkVersion, checkStoreAnswer, (it: unknown) => checkStoreRequest(it, OWN)]) {
        try {
          check(value);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }
    }),
    { numRuns: 500 },
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
      await expect(unpack(Buffer.from(bytes))).rejects.toThrow(/header|end of file|JSON|data|stored|distance|code|method/i);
    }),
  );
});

test('a little that unpacks to a lot is refused', async () => {
  const bomb = await pack('x'.repeat(10_000_000));
  expect(bomb.length).toBeLessThan(100_000);
  await expect(unpack(bomb, 1_000_000)).rejects.toThrow(/larger than/);
});

test('a member serves what is agreed, and the asker’s own slots, nothing else', () => {
  const request = (key: string) => ({ kind: 'get', key });
  expect(checkStoreRequest(request(`${PREFIX}networks/guard`), OWN)).toEqual(request(`${PREFIX}networks/guard`));
  expect(checkStoreRequest(request(`${OWN}0`), OWN)).toEqual(request(`${OWN}0`));
  for (const key of ['/caravela/forward/y/0', '/caravela/', '', 'x', `${PREFIX}a b`, `${PREFIX}${'a'.repeat(600)}`]) {
    expect(() => checkStoreRequest(request(key), OWN)).toThrow(/key/);
  }
  const put = (key: string) => ({ put: key, value: 'v' });
  const transact = (then: object[]) => ({ kind: 'transact', transaction: { when: [], then }, have: { epoch: 0, revision: 0 } });
  expect(() => checkStoreRequest(transact([put('/caravela/forward/y/0')]), OWN)).toThrow(/only keys under/);
  expect(() => checkStoreRequest(transact([put(`${PREFIX}a`), put(`${PREFIX}a`)]), OWN)).toThrow(/twice/);
  expect(() => checkStoreRequest(transact(Array.from({ length: 65 }, (_, i) => put(`${PREFIX}${i}`))), OWN)).toThrow(/at most 64/);
});

test('an update can carry nothing from beyond its version', () => {
  const entry = { key: `${PREFIX}networks/guard`, value: '{}', modRevision: 9, createRevision: 9 };
  expect(() => checkUpdate({ version: { epoch: 1, revision: 8 }, entries: [entry], removed: [] })).toThrow(/its version/);
});
