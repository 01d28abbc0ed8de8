import type { Scenario } from './scenario.ts';

export const bothHalvesMovedApart: Scenario = {
  name: 'both halves moved while apart',
  story:
    'Two nodes restarted under new addresses while a partition held them from the third. They had kept only the members ' +
    'alive at the time, and so neither side could ever reach the other. Now a node keeps the dead, too.',
  seed: 1,
  nodes: 3,
  durationMs: 60_000,
  faults: [
    { kind: 'partition', side: [0], blocked: 'both', atMs: 9_000, forMs: 50_000 },
    { kind: 'readdress', node: 1, atMs: 30_000, forMs: 2_000, ip: '10.1.10.187' },
    { kind: 'readdress', node: 2, atMs: 40_000, forMs: 2_000, ip: '10.1.107.5' },
    { kind: 'crash', node: 1, effects: 0, atMs: 45_000, forMs: 3_000 },
  ],
};
