import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  cgroupDirs,
  childGroups,
  detectCgroups,
  joinCgroup,
  killCgroup,
  limitsSwap,
  makeCgroup,
  makeParentGroup,
  oomKills,
  removeCgroup,
  treesWithGroupOfOurs,
} from './cgroup.ts';

describe('control groups', () => {
  const trees = detectCgroups();
  const path = `/caravela-test-${process.pid}`;

  it('finds the trees', () => {
    expect([1, 2]).toContain(trees.version);
    expect(trees.roots.length).toBeGreaterThan(0);
  });

  it('makes, fills, kills and removes a group with groups below it', async () => {
    const dirs = makeCgroup(trees, `${path}/inner`);
    const child = spawn('sleep', ['60']);
    const exited = once(child, 'exit');
    try {
      for (const dir of dirs) {
        if (!dir.includes('/cpuset/')) await joinCgroup(dir, child.pid ?? 0);
      }
      expect(childGroups(trees, path)).toEqual(['inner']);
      expect(oomKills(trees, path)).toBe(0);
      expect(await killCgroup(trees, path)).toBe(true);
      expect(await exited).toEqual([null, 'SIGKILL']);
    } finally {
      child.kill('SIGKILL');
      removeCgroup(trees, path);
    }
    expect(cgroupDirs(trees, path)).toEqual([]);
  });

  it('hands the controllers down to the parent of containers, in a tree of version 2', () => {
    const base = mkdtempSync(join(tmpdir(), 'caravela-cgroup-'));
    onTestFinished(() => rmSync(base, { recursive: true, force: true }));
    const v2 = { version: 2, hybrid: false, roots: [base] } as const;
    const control = (...of: string[]) => join(base, ...of, 'cgroup.subtree_control');
    mkdirSync(join(base, 'caravela-1'));
    writeFileSync(control(), 'cpuset cpu pids\n');
    writeFileSync(control('caravela-1'), 'cpu memory\n');
    expect(makeParentGroup(v2, '/caravela-1')).toEqual([]);
    // Only what is missing is asked for: the file of a real tree takes words, this one keeps the last.
    expect(readFileSync(control(), 'utf8')).toBe('+memory');
    expect(readFileSync(control('caravela-1'), 'utf8')).toBe('+pids');
    expect(limitsSwap(v2, '/caravela-1')).toBe(false);
    writeFileSync(join(base, 'caravela-1', 'memory.swap.max'), 'max\n');
    expect(limitsSwap(v2, '/caravela-1')).toBe(true);
  });

  it('says which controllers cannot be had, and takes the others', () => {
    const base = mkdtempSync(join(tmpdir(), 'caravela-cgroup-'));
    onTestFinished(() => rmSync(base, { recursive: true, force: true }));
    // A directory in the place of the file: writing to it fails.
    mkdirSync(join(base, 'cgroup.subtree_control'));
    const failures = makeParentGroup({ version: 2, hybrid: false, roots: [base] }, '/caravela-1');
    expect(failures.map((each) => each.split(':')[0])).toEqual(['cpu', 'memory', 'pids']);
    expect(readFileSync(join(base, 'caravela-1', 'cgroup.subtree_control'), 'utf8')).toBe('+pids');
  });

  it('hands nothing down on version 1', () => {
    const base = mkdtempSync(join(tmpdir(), 'caravela-cgroup-'));
    onTestFinished(() => rmSync(base, { recursive: true, force: true }));
    const v1 = { version: 1, hybrid: false, roots: [join(base, 'cpu'), join(base, 'memory')] } as const;
    expect(makeParentGroup(v1, '/caravela-1')).toEqual([]);
    expect(cgroupDirs(v1, '/caravela-1')).toEqual([]);
  });

  it('knows in which trees we are in a group', () => {
    const v1 = { version: 1, hybrid: true, roots: ['/c/memory', '/c/cpu,cpuacct', '/c/systemd', '/c/pids', '/c/unified'] } as const;
    const own = '9:name=systemd:/system.slice/a.service\n8:pids:/\n5:cpu,cpuacct:/x\n4:memory:/a:b\n0::/\n';
    expect(treesWithGroupOfOurs(v1, own)).toEqual(['/c/memory', '/c/cpu,cpuacct', '/c/systemd']);
    const v2 = { version: 2, hybrid: false, roots: ['/c'] } as const;
    expect(treesWithGroupOfOurs(v2, '0::/system.slice/a.service\n')).toEqual(['/c']);
    expect(treesWithGroupOfOurs(v2, '0::/\n')).toEqual([]);
  });
});
