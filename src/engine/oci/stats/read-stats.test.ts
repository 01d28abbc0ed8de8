import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { identify } from '../../../linux/process-identity.ts';
import { A } from '../../contract.test-suite.ts';
import { readStats } from './read-stats.ts';

/** v2's files as its documentation shows them: hosts of these tests may be v1. */
const V2 = {
  'cpu.stat': 'usage_usec 3000\nuser_usec 2000\nsystem_usec 1000\nnr_periods 4\nnr_throttled 3\nthrottled_usec 200\n',
  'memory.current': '4096\n',
  'memory.max': 'max\n',
  'memory.stat': 'anon 1024\ninactive_file 512\n',
  'pids.current': '2\n',
  'pids.max': 'max\n',
  'io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n',
};

function group(files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), 'stats-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, A));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, A, name), text);
  return { trees: { version: 2, hybrid: false, roots: [root] }, cgroupParent: '' } as const;
}
const self = identify(process.pid) ?? { pid: 0, startTime: 0 };

it('reads v2’s files', async () => {
  expect(await readStats(group(V2), A, { init: self })).toMatchObject({
    cpu: { usageNs: 3e6, userNs: 2e6, kernelNs: 1e6, periods: 4, throttledPeriods: 3, throttledNs: 2e5 },
    memory: { usage: 4096, limit: totalmem(), details: { anon: 1024, inactive_file: 512 } },
    pids: { current: 2, limit: 0 },
    blockIo: [{ major: 8, minor: 0, readBytes: 1, writtenBytes: 2, reads: 3, writes: 4 }],
    // Its process has the host's network.
    networks: {},
  });
});

it('reads of v1 what it tells of each CPU', async () => {
  const root = mkdtempSync(join(tmpdir(), 'stats-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'cpuacct', A), { recursive: true });
  writeFileSync(join(root, 'cpuacct', A, 'cpuacct.usage'), '300\n');
  writeFileSync(join(root, 'cpuacct', A, 'cpuacct.usage_percpu'), '100 200 \n');
  const trees = { version: 1, hybrid: false, roots: [join(root, 'cpuacct')] } as const;
  expect((await readStats({ trees, cgroupParent: '' }, A, { init: self }))?.cpu).toMatchObject({ usageNs: 300, perCpuNs: [100, 200] });
});

it('counts 0 where a kernel tells nothing', async () => {
  const stats = await readStats(group({}), A, { init: self });
  expect(stats?.cpu).toMatchObject({ usageNs: 0, periods: 0 });
  expect(stats).toMatchObject({ memory: { usage: 0 }, pids: { current: 0, limit: 0 }, blockIo: [] });
  expect(stats?.cpu.onlineCpus).toBeGreaterThan(0);
});

it('has nothing of a process that has ended', async () => {
  expect(await readStats(group(V2), A, { init: { ...self, startTime: 1 } })).toBeUndefined();
});
