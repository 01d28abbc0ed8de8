import type { Scenario } from './scenario.ts';

export const incarnationLostOnAFullDisk: Scenario = {
  name: 'an incarnation lost on a full disk',
  story:
    'A node refuted its death while its disk was full, so the incarnation it used was not stored; it came back under it ' +
    'at another address, and as peers take no second claim under one incarnation it stayed dead to all. Now the clock ' +
    'moves a new life past what was never stored (core/node/incarnation.ts).',
  seed: 204,
  nodes: 4,
  durationMs: 45_000,
  faults: [
    { kind: 'disk-full', node: 1, atMs: 9_000, forMs: 25_000 },
    { kind: 'pause', node: 1, atMs: 10_000, forMs: 15_000 },
    { kind: 'readdress', node: 1, atMs: 35_000, forMs: 8_000, ip: '10.1.181.79' },
  ],
};
