import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { LeaveRefused } from '../api/backend.ts';
import type { Command } from '../core/model/index.ts';
import type { CoreLoop } from './core-loop.ts';
import { leave, type LeaveParts } from './leave.ts';
import { isNode, nodePaths } from './node-files.ts';

it('leaves a host that is no node, also where closing fails', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const dir = mkdtempSync(join(tmpdir(), 'caravela-leave-'));
  onTestFinished(() => {
    vi.useRealTimers();
    rmSync(dir, { recursive: true, force: true });
  });
  const paths = nodePaths(join(dir, 'data'), join(dir, 'run'));
  mkdirSync(join(paths.dataDir, 'containers'), { recursive: true });
  for (const path of [paths.nodeId, paths.state, join(paths.dataDir, 'daemon.log')]) writeFileSync(path, 'x');
  const done: string[] = [];
  const warnings: string[] = [];
  const { promise: left, resolve } = Promise.withResolvers<void>();
  const parts = {
    paths,
    node: { containers: () => [], members: () => [], self: () => ({ id: 'f'.repeat(32) }) } as unknown as LeaveParts['node'],
    loop: {
      command: async (command: Command) => {
        done.push(command.kind);
        return { ok: true, kind: 'done' };
      },
    } as unknown as CoreLoop,
    log: (level: string, message: string) => void (level === 'warn' && warnings.push(message)),
    agreement: { handOver: async () => void done.push('hand-over'), giveUp: async () => void done.push('give-up') },
    removeNetworks: async () => void done.push('networks'),
    close: () => Promise.reject(new Error('the disk is full')),
    onLeft: resolve,
  };
  await leave(parts, false);
  expect(done).toEqual(['hand-over', 'describe', 'give-up', 'leave']);
  expect(isNode(paths)).toBe(true);
  vi.runAllTimers();
  await left;
  expect(isNode(paths)).toBe(false);
  expect(done.at(-1)).toBe('networks');
  expect(existsSync(paths.state)).toBe(false);
  expect(readdirSync(paths.dataDir)).toEqual(['daemon.log']);
  expect(warnings).toHaveLength(1);
});

it('stays, and takes requests again, where it can’t give back what it has', async () => {
  const done: Command[] = [];
  const left: string[] = [];
  const refused = new LeaveRefused('no majority answers');
  const parts = {
    node: { containers: () => [], self: () => ({ id: 'f'.repeat(32), draining: false }) } as unknown as LeaveParts['node'],
    loop: {
      command: async (command: Command) => {
        done.push(command);
        return { ok: true, kind: 'done' };
      },
    } as unknown as CoreLoop,
    agreement: { handOver: async () => {}, giveUp: () => Promise.reject(refused) },
    onLeft: () => void left.push('left'),
  } as unknown as LeaveParts;
  await expect(leave(parts, false)).rejects.toBe(refused);
  expect(done.map((command) => command.kind === 'describe' && command.change)).toEqual([{ draining: true }, { draining: false }]);
  expect(left).toEqual([]);
});
