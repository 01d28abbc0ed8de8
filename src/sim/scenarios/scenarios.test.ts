import { expect, test } from 'vitest';
import { Node } from '../../core/node/node.ts';
import { EXIT, exitCodeOf } from '../outcome.ts';
import { report } from '../report.ts';
import { simulate } from '../simulate.ts';
import { SCENARIOS } from './index.ts';

test.each(SCENARIOS)('$name', ({ seed, nodes, durationMs, faults }) => {
  const outcome = simulate({ seed, nodes, durationMs, loss: 0.01, faults, createCore: (config, kept) => new Node(config, kept) });
  expect(exitCodeOf(outcome) === EXIT.ok ? '' : report(outcome)).toBe('');
});
