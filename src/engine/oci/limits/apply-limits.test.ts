import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { A } from '../../contract.test-suite.ts';
import type { ContainerLimits } from '../../port.ts';
import { containerSpec } from '../../spec.test-suite.ts';
import { updatedSpec } from '../../updated-spec.ts';
import { applyLimits } from './apply-limits.ts';

/** A v2 group made of plain files: a kernel that takes what it is given, where there is a file for it. */
let root: string;
let dir: string;
const MIB = 1024 * 1024;
const FILES = {
  'cpu.max': 'max 100000\n',
  'cpu.weight': '100\n',
  'memory.max': 'max\n',
  'memory.swap.max': 'max\n',
  'memory.current': `${50 * MIB}\n`,
  'memory.stat': `anon ${40 * MIB}\ninactive_file ${10 * MIB}\n`,
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'limits-'));
  dir = join(root, 'parent', A);
  mkdirSync(dir, { recursive: true });
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(dir, name), text);
});
afterEach(() => rmSync(root, { recursive: true }));

const apply = (limits: ContainerLimits): Promise<() => Promise<void>> => {
  const host = {
    trees: { version: 2, hybrid: false, roots: [root] },
    cgroupParent: '/parent',
    swapLimit: true,
    log: () => undefined,
  } as const;
  return applyLimits(host, A, limits, updatedSpec(containerSpec(), limits));
};
const files = (): Record<string, string> =>
  Object.fromEntries(
    ['cpu.max', 'cpu.weight', 'memory.max', 'memory.swap.max'].map((name) => [name, readFileSync(join(dir, name), 'latin1').trim()]),
  );
const UNTOUCHED = { 'cpu.max': 'max 100000', 'cpu.weight': '100', 'memory.max': 'max', 'memory.swap.max': 'max' };

describe('applyLimits', () => {
  it('writes what changes, and can take it back', async () => {
    const takeBack = await apply({ nanoCpus: 0.5e9, memoryBytes: 64 * MIB, memorySwapBytes: 80 * MIB });
    expect(files()).toEqual({
      'cpu.max': '50000 100000',
      'cpu.weight': '100',
      'memory.max': String(64 * MIB),
      'memory.swap.max': String(16 * MIB),
    });
    await takeBack();
    expect(files()).toEqual(UNTOUCHED);
  });

  it('changes nothing where one can’t be had', async () => {
    await expect(apply({ nanoCpus: 0.5e9, memoryBytes: 64 * MIB, pidsLimit: 5 })).rejects.toMatchObject({
      code: 'engine-failed',
      message: expect.stringContaining("can't be limited by pids.max: this node's kernel has no controller pids for it"),
    });
    expect(files()).toEqual(UNTOUCHED);
  });

  it('limits no memory below what can’t be reclaimed', async () => {
    await expect(apply({ memoryBytes: 39 * MIB })).rejects.toMatchObject({ code: 'wrong-state' });
    expect(files()).toEqual(UNTOUCHED);
    await apply({ memoryBytes: 41 * MIB });
    expect(files()).toMatchObject({ 'memory.max': String(41 * MIB), 'memory.swap.max': String(41 * MIB) });
  });
});
