import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bootId } from './boot-id.ts';
import { openInRoot } from './open-in-root.ts';
import { identify, isAlive, parseStat, SIGKILL, signalProcess } from './process-identity.ts';

describe('process identity', () => {
  it('tells a process from another with its pid', () => {
    const self = identify(process.pid);
    expect(self).toBeDefined();
    if (self === undefined) return;
    expect(isAlive(self)).toBe(true);
    const other = { pid: self.pid, startTime: self.startTime - 1 };
    expect(isAlive(other)).toBe(false);
    expect(signalProcess(other, SIGKILL)).toBe(false);
  });

  it('signals, and knows the dead', async () => {
    const child = spawn('sleep', ['60']);
    const identity = identify(child.pid ?? 0);
    expect(identity).toBeDefined();
    if (identity === undefined) return;
    const exited = once(child, 'exit');
    expect(signalProcess(identity, SIGKILL)).toBe(true);
    expect(await exited).toEqual([null, 'SIGKILL']);
    expect(signalProcess(identity, SIGKILL)).toBe(false);
    expect(isAlive(identity)).toBe(false);
  });

  it('reads names with spaces and parentheses, and passes over zombies', () => {
    const rest = Array.from({ length: 18 }, () => '0').join(' ');
    expect(parseStat(7, `7 (a) b (c)) S ${rest} 4711 9 9\n`)).toEqual({ pid: 7, startTime: 4711 });
    expect(parseStat(7, `7 (a) Z ${rest} 4711 9\n`)).toBeUndefined();
  });

  it('reads the boot id', () => {
    expect(bootId()).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('openInRoot', () => {
  it('keeps every symlink inside', () => {
    const dir = mkdtempSync(join(tmpdir(), 'caravela-root-'));
    const root = join(dir, 'root');
    mkdirSync(join(root, 'etc'), { recursive: true });
    writeFileSync(join(dir, 'secret'), 'outside');
    writeFileSync(join(root, 'secret'), 'inside');
    symlinkSync('../../../secret', join(root, 'etc/up'));
    symlinkSync('/secret', join(root, 'etc/absolute'));
    const fd = openSync(root, 'r');
    const read = (path: string): string => {
      const file = openInRoot(fd, path);
      try {
        return readFileSync(file, 'utf8');
      } finally {
        closeSync(file);
      }
    };
    try {
      expect(read('etc/up')).toBe('inside');
      expect(read('/etc/absolute')).toBe('inside');
      expect(read('../secret')).toBe('inside');
      expect(() => read('etc/none')).toThrow('openat2(etc/none): ENOENT');
    } finally {
      closeSync(fd);
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
