import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { instanceId, LIMITS, nodeId } from '../../core/model/index.ts';
import { addGossipKey, createGossipKeys, useNewestGossipKey } from '../trust/gossip-keys.ts';
import { Opener } from './opener.ts';
import { HEADER_BYTES, PAYLOAD_BYTES } from './packet.ts';
import { ReplayWindow } from './replay-window.ts';
import { Sealer } from './sealer.ts';

const instance = instanceId('1'.repeat(32));
const a = nodeId('a'.repeat(32));
const b = nodeId('b'.repeat(32));
const keys = createGossipKeys();
const hello = Buffer.from('hello');

test('what is sealed is opened, of any size that fits', () => {
  const sealer = new Sealer(instance, a, keys);
  const opener = new Opener(instance, b, keys);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: PAYLOAD_BYTES }), (payload) => {
      const packet = sealer.seal(payload);
      expect(packet.length).toBeLessThanOrEqual(LIMITS.datagramBytes);
      expect(opener.open(packet)).toEqual({ ok: true, sender: a, payload: Buffer.from(payload) });
    }),
  );
  expect(() => sealer.seal(Buffer.alloc(PAYLOAD_BYTES + 1))).toThrow(/at most 1144 bytes, got 1145/);
});

test('random bytes are never opened', () => {
  const opener = new Opener(instance, b, keys);
  const refused = (packet: Uint8Array): boolean => !opener.open(Buffer.from(packet)).ok;
  // Also behind a header that gets it as far as the cipher.
  const header = new Sealer(instance, a, keys).seal(hello).subarray(0, HEADER_BYTES);
  const junk = fc.uint8Array({ maxLength: 1_500 });
  expect(fc.check(fc.property(junk, refused))).toMatchObject({ failed: false });
  expect(fc.check(fc.property(junk, (bytes) => refused(Buffer.concat([header, bytes]))))).toMatchObject({ failed: false });
});

test('no flipped bit and no cut is accepted, and neither spoils the true packet', () => {
  const opener = new Opener(instance, b, keys);
  const packet = new Sealer(instance, a, keys).seal(hello);
  for (let bit = 0; bit < packet.length * 8; bit++) {
    const flipped = Buffer.from(packet);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(opener.open(flipped).ok).toBe(false);
  }
  for (let length = 0; length < packet.length; length++) expect(opener.open(packet.subarray(0, length)).ok).toBe(false);
  expect(opener.open(packet).ok).toBe(true);
});

test('each packet is taken once, in whatever order they come', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(40), { minLength: 1, maxLength: 200 }), (order) => {
      const sealer = new Sealer(instance, a, keys);
      const opener = new Opener(instance, b, keys);
      const packets = Array.from({ length: 41 }, () => sealer.seal(hello));
      const taken = order.filter((index) => opener.open(packets[index]!).ok);
      expect(taken.toSorted((x, y) => x - y)).toEqual([...new Set(order)].toSorted((x, y) => x - y));
    }),
  );
});

test('the window takes each counter at most once, and always one that is recent and new', () => {
  const counter = fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 2 ** 48 - 1 }));
  const holds = (counters: readonly number[]): boolean => {
    const window = new ReplayWindow();
    const seen = new Set<number>();
    let highest = 0;
    return counters.every((counter) => {
      const fresh = window.isFresh(counter);
      const wrong = seen.has(counter) ? fresh : !fresh && counter > highest - 992;
      if (fresh) window.mark(counter);
      seen.add(counter);
      highest = Math.max(highest, counter);
      return !wrong;
    });
  };
  expect(fc.check(fc.property(fc.array(counter, { maxLength: 300 }), holds))).toMatchObject({ failed: false });
});

test('a restarted sender is heard, and what its former boot sent is not taken again', () => {
  const opener = new Opener(instance, b, keys);
  const before = new Sealer(instance, a, keys);
  const recorded = [before.seal(hello), before.seal(hello)];
  expect(opener.open(recorded[0]!).ok).toBe(true);
  expect(opener.open(new Sealer(instance, a, keys).seal(hello)).ok).toBe(true);
  expect(recorded.map((packet) => opener.open(packet))).toEqual([
    { ok: false, why: 'replayed' },
    { ok: false, why: 'replayed' },
  ]);
});

test('another instance, another key, and our own echo are told apart', () => {
  const opener = new Opener(instance, b, keys);
  expect(opener.open(new Sealer(instanceId('2'.repeat(32)), a, keys).seal(hello))).toEqual({ ok: false, why: 'instance' });
  expect(opener.open(new Sealer(instance, a, createGossipKeys()).seal(hello))).toEqual({ ok: false, why: 'forged' });
  expect(opener.open(new Sealer(instance, b, keys).seal(hello))).toEqual({ ok: false, why: 'reflected' });
  expect(opener.open(randomBytes(10))).toEqual({ ok: false, why: 'size' });
});

test('keys rotate without a gap, and a dropped one no longer opens', () => {
  const added = addGossipKey(keys);
  const used = useNewestGossipKey(added);
  const next = useNewestGossipKey(addGossipKey(used));
  const sealer = new Sealer(instance, a, keys);
  const opener = new Opener(instance, b, keys);
  opener.updateKeys(added);
  expect(opener.open(sealer.seal(hello)).ok).toBe(true);
  sealer.updateKeys(used);
  expect(opener.open(sealer.seal(hello)).ok).toBe(true);
  opener.updateKeys(next);
  expect(opener.open(sealer.seal(hello)).ok).toBe(true);
  sealer.updateKeys(keys);
  expect(opener.open(sealer.seal(hello))).toEqual({ ok: false, why: 'key' });
});
