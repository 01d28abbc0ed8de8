import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setLinkUp } from './link.ts';
import { mountPointsBelow, unmount } from './mount.ts';
import { createNetns, inNetns } from './netns.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'caravela-netns-'));
  path = join(dir, 'one');
});
afterEach(async () => {
  for (const point of await mountPointsBelow(dir)) unmount(point);
  rmSync(dir, { recursive: true, force: true });
});

const here = (): string => readlinkSync('/proc/thread-self/ns/net');

describe('createNetns', () => {
  it('makes a namespace with what was configured, and comes home', () => {
    const home = here();
    let inside = '';
    createNetns(path, () => {
      inside = here();
      setLinkUp('lo');
    });
    expect(inside).not.toBe(home);
    expect(here()).toBe(home);
    inNetns(path, () => {
      expect(here()).toBe(inside);
      expect(Object.keys(networkInterfaces())).toEqual(['lo']);
      expect(networkInterfaces()['lo']?.[0]?.address).toBe('127.0.0.1');
    });
    expect(here()).toBe(home);
  });

  it('is seen at its path only when it is configured: whoever looks after a crash finds all of it or none', async () => {
    let mounts = '';
    createNetns(path, () => {
      mounts = readFileSync('/proc/thread-self/mountinfo', 'utf8');
    });
    expect(mounts).not.toContain(path);
    expect(await mountPointsBelow(dir)).toEqual([path]);
  });

  it('leaves nothing where configuring fails', async () => {
    const home = here();
    expect(() => createNetns(path, () => setLinkUp('nosuch'))).toThrow('change link nosuch: ENODEV');
    expect(here()).toBe(home);
    expect(readdirSync(dir)).toEqual([]);
    expect(await mountPointsBelow(dir)).toEqual([]);
  });

  it('refuses a taken path and keeps it', () => {
    writeFileSync(path, 'mine');
    expect(() => createNetns(path, () => undefined)).toThrow('EEXIST');
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });
});

describe('inNetns', () => {
  it('refuses what is no namespace', () => {
    writeFileSync(path, '');
    expect(() => inNetns(path, () => undefined)).toThrow('setns');
    expect(existsSync(path)).toBe(true);
  });
});
