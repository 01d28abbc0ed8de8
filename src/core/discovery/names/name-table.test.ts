import { expect, test } from 'vitest';
import { LIMITS, containerId, nodeId } from '../../model/index.ts';
import type { NameKey } from '../../model/index.ts';
import { NameTable } from './name-table.ts';
import type { Registration } from './name-table.ts';
import { NAMES } from './tunables.ts';

const registration = (n: number, key: NameKey): Registration => ({
  key,
  containerId: containerId(n.toString(16).padStart(64, '0')),
  name: `c${n}`,
  value: '',
  createdAtMs: 0,
  node: nodeId('a'.repeat(32)),
  incarnation: 1,
  untilMs: 1,
  outdatedMs: undefined,
});

test('full of labels it still takes names, and says of a label that it may lack some', () => {
  const table = new NameTable();
  const most = LIMITS.names * NAMES.shares.label;
  for (let n = 0; n < most + 10; n++) table.put(registration(n, { kind: 'label', key: `label-${n % 1_000}` }), 5);
  expect(table.size).toBe(most);
  expect(table.isWhole('label/label-1', 5)).toBe(false);
  table.put(registration(1, { kind: 'name', name: 'c1' }), 5);
  expect(table.under('name/c1')).toHaveLength(1);
  expect(table.isWhole('label/label-1', 5 + NAMES.ttlMs)).toBe(true);
  table.sweep(5, ({ key }) => key.kind === 'label');
  expect([table.size, table.all().length]).toEqual([1, 1]);
});
