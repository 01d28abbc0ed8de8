import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  cgroupDirs,
  childGroups,
  detectCgroups,
  joinCgroup,
  killCgroup,
  makeCgroup,
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

  it('knows in which trees we are in a group', () => {
    const v1 = { version: 1, hybrid: true, roots: ['/c/memory', '/c/cpu,cpuacct', '/c/systemd', '/c/pids', '/c/unified'] } as const;
    const own = '9:name=systemd:/system.slice/a.service\n8:pids:/\n5:cpu,cpuacct:/x\n4:memory:/a:b\n0::/\n';
    expect(treesWithGroupOfOurs(v1, own)).toEqual(['/c/memory', '/c/cpu,cpuacct', '/c/systemd']);
    const v2 = { version: 2, hybrid: false, roots: ['/c'] } as const;
    expect(treesWithGroupOfOurs(v2, '0::/system.slice/a.service\n')).toEqual(['/c']);
    expect(treesWithGroupOfOurs(v2, '0::/\n')).toEqual([]);
  });
});
