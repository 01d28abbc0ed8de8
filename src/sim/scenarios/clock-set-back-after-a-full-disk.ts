import type { Scenario } from './scenario.ts';

export const clockSetBackAfterAFullDisk: Scenario = {
  name: 'a clock set back after a full disk',
  story:
    'A node started while its disk was full, under an incarnation that its clock gave and that was not stored. Space came ' +
    'back, but nobody tried again; then its clock was set back and it came up at another address, under an incarnation ' +
    'that its peers had long seen: dead to all, for ever. Now what could not be stored is stored as soon as it can be.',
  seed: 5248,
  nodes: 4,
  durationMs: 60_000,
  faults: [
    { kind: 'wall-jump', node: 1, atMs: 9_000, forMs: 0, byMs: 1_900_000 },
    { kind: 'disk-full', node: 1, atMs: 10_000, forMs: 8_000 },
    { kind: 'crash', node: 1, effects: 0, atMs: 12_000, forMs: 2_000 },
    { kind: 'wall-jump', node: 1, atMs: 50_000, forMs: 0, byMs: -3_600_000 },
    { kind: 'readdress', node: 1, atMs: 52_000, forMs: 8_000, ip: '10.1.181.79' },
  ],
};
