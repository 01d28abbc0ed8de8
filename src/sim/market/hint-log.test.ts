import { expect, test } from 'vitest';
import type { Hint } from '../../core/model/index.ts';
import { GossipDelay } from './gossip-delay.ts';
import { HintLog } from './hint-log.ts';
import { HintView } from './hint-view.ts';

const MEMBERS = 1_000;
const PACKET_MS = 500;
const hint = (stamp: number, countLevel: number): Hint => ({
  region: { class: 'low', cpuBucket: 2, memoryBucket: 3 },
  countLevel,
  splitLevel: 0,
  stamp,
});
const KEY = 'low/2/3';

test('99 in 100 have heard in nine rounds of 1,000 nodes, all within minutes, the same on each look', () => {
  const delay = new GossipDelay(3, MEMBERS, 0);
  const pace = { packetMs: PACKET_MS, rotationMs: 10_000 };
  const heard = Array.from({ length: 20_000 }, (_, i) => delay.ms(i % MEMBERS, Math.floor(i / MEMBERS), pace)).sort((a, b) => a - b);
  const rounds = (share: number): number => (heard[Math.floor(share * heard.length)] as number) / PACKET_MS;
  expect(rounds(0.5)).toBeGreaterThan(4);
  expect(rounds(0.5)).toBeLessThan(6.5);
  expect(rounds(0.985)).toBeGreaterThan(7);
  expect(rounds(0.985)).toBeLessThan(11);
  expect(heard.at(-1)).toBeLessThan(180_000);
  expect(delay.ms(17, 4, pace)).toBe(delay.ms(17, 4, pace));
});

test('losses slow it and make more nodes wait for the rotation', () => {
  const mean = (loss: number): number => {
    const delay = new GossipDelay(3, MEMBERS, loss);
    let sum = 0;
    for (let i = 0; i < 5_000; i++) sum += delay.ms(i, 1, { packetMs: PACKET_MS, rotationMs: 60_000 });
    return sum / 5_000;
  };
  expect(mean(0.05)).toBeGreaterThan(mean(0) * 1.5);
});

test('each node sees a row from its own moment on, never an older one again; its writer at once', () => {
  const log = new HintLog(new GossipDelay(5, MEMBERS, 0.01), PACKET_MS);
  log.add(0, hint(1, 3), 0);
  log.add(0, hint(60, 5), 60_000);
  expect(log.add(1, hint(60, 5), 61_000)).toBeUndefined();
  expect(log.seen(KEY, 0, -Infinity, 60_000)?.countLevel).toBe(5);
  const seen = (viewer: number, atMs: number): number => log.seen(KEY, viewer, -Infinity, atMs)?.stamp ?? 0;
  for (let viewer = 1; viewer < 200; viewer++) {
    const stamps = [0, 2_000, 30_000, 60_000, 61_000, 63_000, 90_000, 700_000].map((atMs) => seen(viewer, atMs));
    expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
    expect(stamps.at(-1)).toBe(60);
  }
  const early = Array.from({ length: 200 }, (_, viewer) => seen(viewer, 62_500)).filter((stamp) => stamp === 60).length;
  expect(early).toBeGreaterThan(10);
  expect(early).toBeLessThan(190);
});

test('rows of one region written by two traders: the newer stamp wins, whenever it was written', () => {
  const log = new HintLog(new GossipDelay(5, MEMBERS, 0), PACKET_MS);
  log.add(1, hint(70, 4), 60_000);
  log.add(2, hint(65, 6), 65_000);
  expect(log.newest(KEY)?.hint.stamp).toBe(70);
  expect(log.seen(KEY, 9, -Infinity, 700_000)?.stamp).toBe(70);
});

test('one that joined late hears old rows by and by', () => {
  const log = new HintLog(new GossipDelay(5, MEMBERS, 0), PACKET_MS);
  for (let i = 0; i < 100; i++)
    log.add(0, { ...hint(1, 3), region: { class: 'low', cpuBucket: i % 20, memoryBucket: Math.floor(i / 20) } }, 0);
  const known = (atMs: number): number => [...log.regions].filter((key) => log.seen(key, 7, 100_000, atMs) !== undefined).length;
  expect(known(100_000)).toBe(0);
  expect(known(110_000)).toBeGreaterThan(5);
  expect(known(110_000)).toBeLessThan(90);
  expect(known(800_000)).toBe(100);
});

test('a view supposes one offer where nothing is hinted, for a while, and writes newer than what it knows', () => {
  const log = new HintLog(new GossipDelay(5, MEMBERS, 0), PACKET_MS);
  let nowMs = 0;
  const written: Hint[] = [];
  const view = new HintView({ viewer: 3, joinedMs: -Infinity, log, nowMs: () => nowMs, onWrite: (row) => written.push(row) });
  const { region } = hint(1, 1);
  view.suppose(region, nowMs);
  expect(view.believed(nowMs)).toMatchObject([{ region, countLevel: 1 }]);
  nowMs = 60_000;
  expect(view.believed(nowMs)).toEqual([]);
  log.add(3, hint(100, 0), nowMs);
  view.suppose(region, nowMs);
  expect(view.believed(nowMs)).toMatchObject([{ region, countLevel: 1 }]);
  view.write(region, 2, 0, 50_000);
  expect(written).toMatchObject([{ stamp: 101, countLevel: 2 }]);
});
