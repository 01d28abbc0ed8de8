import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { type CgroupTrees, detectCgroups, joinCgroup, killCgroup, makeCgroup, removeCgroup } from './cgroup.ts';
import { freezeCgroup, isFrozen, thawCgroup } from './freezer.ts';

/** A v1 host has an unused v2 tree beside, as a rule: good enough to freeze in. */
const UNIFIED = '/sys/fs/cgroup/unified';
const all = [detectCgroups(), ...(existsSync(UNIFIED) ? [detectCgroups(UNIFIED)] : [])].map((trees) => [trees.version, trees] as const);
const group = `/caravela-freezer-${process.pid}`;

async function busyGroup(trees: CgroupTrees) {
  const dirs = makeCgroup(trees, group).filter((dir) => !dir.includes('/cpuset/'));
  const child = spawn('sh', ['-c', 'while true; do :; done']);
  const exited = once(child, 'exit');
  for (const dir of dirs) await joinCgroup(dir, child.pid ?? 0);
  onTestFinished(async () => {
    await killCgroup(trees, group);
    await exited;
    removeCgroup(trees, group);
  });
  /** Clock ticks of CPU time that it has had. */
  const used = (): number => {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  };
  return { used, exited };
}

it.each(all)('holds every process of a group until it is thawed, on v%i', async (_, trees) => {
  const { used } = await busyGroup(trees);
  expect(isFrozen(trees, group)).toBe(false);
  await freezeCgroup(trees, group);
  expect(isFrozen(trees, group)).toBe(true);
  const before = used();
  await delay(100);
  expect(used()).toBe(before);
  await freezeCgroup(trees, group);
  await thawCgroup(trees, group);
  expect(isFrozen(trees, group)).toBe(false);
  while (used() === before) await delay(10);
  await thawCgroup(trees, group);
});

it.each(all)('lets a frozen group be killed, on v%i', async (_, trees) => {
  const { exited } = await busyGroup(trees);
  await freezeCgroup(trees, group);
  expect(await killCgroup(trees, group)).toBe(true);
  expect(await exited).toEqual([null, 'SIGKILL']);
});

it.each(all)('knows nothing of a group that is not there, on v%i', async (_, trees) => {
  expect(isFrozen(trees, '/caravela-none')).toBe(false);
  await thawCgroup(trees, '/caravela-none');
  await expect(freezeCgroup(trees, '/caravela-none')).rejects.toThrow('no freezer');
});
