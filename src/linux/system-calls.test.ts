import { spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mknod } from './mknod.ts';
import { errnoName, SystemError } from './system-error.ts';
import { lgetxattr, lsetxattr } from './xattr.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'caravela-linux-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('mknod', () => {
  it('makes an overlay whiteout', () => {
    mknod(join(dir, 'gone'), 'character', 0);
    const stat = lstatSync(join(dir, 'gone'));
    expect(stat.isCharacterDevice()).toBe(true);
    expect(stat.rdev).toBe(0);
  });

  it('keeps large minors', () => {
    mknod(join(dir, 'device'), 'block', 0o600, 259, 0x12345);
    expect(lstatSync(join(dir, 'device')).rdev).toBe(0x45 + 259 * 256 + 0x123 * 0x100000);
  });

  it('names call, values and errno', () => {
    mknod(join(dir, 'pipe'), 'fifo', 0o600);
    expect(() => mknod(join(dir, 'pipe'), 'fifo', 0o600)).toThrow(`mknod(${join(dir, 'pipe')}, fifo, 0, 0): EEXIST`);
  });
});

describe('lsetxattr', () => {
  it('round-trips bytes', () => {
    lsetxattr(dir, 'trusted.overlay.opaque', Buffer.from('y'));
    expect(lgetxattr(dir, 'trusted.overlay.opaque')).toEqual(Buffer.from('y'));
    expect(lgetxattr(dir, 'trusted.overlay.origin')).toBeUndefined();
  });

  it('touches the symlink, never its target', () => {
    writeFileSync(join(dir, 'target'), '');
    symlinkSync('target', join(dir, 'link'));
    lsetxattr(join(dir, 'link'), 'trusted.test', Buffer.from([0, 1, 2]));
    expect(lgetxattr(join(dir, 'link'), 'trusted.test')).toEqual(Buffer.from([0, 1, 2]));
    expect(lgetxattr(join(dir, 'target'), 'trusted.test')).toBeUndefined();
  });
});

describe('chroot', () => {
  it('takes the whole process along', () => {
    const script = `
      import { chroot } from ${JSON.stringify(join(import.meta.dirname, 'chroot.ts'))};
      import { writeFileSync, promises } from 'node:fs';
      chroot(${JSON.stringify(dir)});
      writeFileSync('/inside', process.cwd());
      await promises.writeFile('/from-the-pool', '');`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(child.stderr).toBe('');
    expect(lstatSync(join(dir, 'inside')).size).toBe(1);
    expect(lstatSync(join(dir, 'from-the-pool')).isFile()).toBe(true);
  });
});

describe('SystemError', () => {
  it('carries the code as a field', () => {
    const error = new SystemError('mount', 16, ['/a', '/b']);
    expect(error.code).toBe('EBUSY');
    expect(errnoName(2)).toBe('ENOENT');
    expect(errnoName(9999)).toBe('errno 9999');
  });
});
