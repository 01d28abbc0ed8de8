import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mount, mountPointsBelow, parseMountInfo, unmount, unmountInBackground } from './mount.ts';
import { mountByShortLinks, mountLayerByLayer, mountOverlay, type Overlay } from './overlay.ts';
import { mknod } from './mknod.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'caravela-mount-'));
});
afterEach(async () => {
  for (const point of await mountPointsBelow(dir)) unmount(point);
  rmSync(dir, { recursive: true, force: true });
});

describe('mount', () => {
  it('is seen in the mount list until unmounted, odd names too', async () => {
    const point = join(dir, 'a b\tü\\c');
    mkdirSync(point);
    mount('tmpfs', point, 'tmpfs');
    expect(await mountPointsBelow(dir)).toEqual([point]);
    unmount(point);
    expect(await mountPointsBelow(dir)).toEqual([]);
    expect(() => unmount(point)).toThrow('EINVAL');
  });

  it('goes away in the background, too', async () => {
    mount('tmpfs', dir, 'tmpfs');
    await unmountInBackground(dir);
    expect(await mountPointsBelow(dir)).toEqual([]);
    await expect(unmountInBackground(join(dir, 'none'))).rejects.toThrow(`umount2(${join(dir, 'none')}): ENOENT`);
  });

  it('lists the newest first, and no neighbour with the same beginning', async () => {
    for (const name of ['x', 'x/y', 'xz']) {
      mkdirSync(join(dir, name));
      mount('tmpfs', join(dir, name), 'tmpfs');
    }
    expect(await mountPointsBelow(join(dir, 'x'))).toEqual([join(dir, 'x/y'), join(dir, 'x')]);
  });

  it('reads escapes', () => {
    expect(parseMountInfo('36 35 98:0 / /mnt\\0402\\134x rw - ext4 /dev/root rw\n')).toEqual(['/mnt 2\\x']);
  });
});

/** Enough layers with long names that an option string of one page could not hold them. */
function layers(count: number): Overlay {
  mount('tmpfs', dir, 'tmpfs');
  const long = join(dir, 'l'.repeat(80));
  const lowerDirs = Array.from({ length: count }, (_, index) => join(long, String(index)));
  for (const [index, layer] of lowerDirs.entries()) {
    mkdirSync(layer, { recursive: true });
    writeFileSync(join(layer, `file-${index}`), '');
    writeFileSync(join(layer, 'which'), String(index));
  }
  for (const name of ['upper', 'work', 'merged']) mkdirSync(join(dir, name));
  return { lowerDirs, upperDir: join(dir, 'upper'), workDir: join(dir, 'work') };
}

describe.each([
  ['mountOverlay', mountOverlay],
  ['mountLayerByLayer', mountLayerByLayer],
  ['mountByShortLinks', mountByShortLinks],
])('%s', (_, mountIt) => {
  it('merges 100 layers, the topmost first, and writes to the upper directory', () => {
    const overlay = layers(100);
    mknod(join(overlay.lowerDirs[0] ?? '', 'file-50'), 'character', 0);
    const merged = join(dir, 'merged');
    const home = process.cwd();
    mountIt(merged, overlay);
    expect(process.cwd()).toBe(home);
    expect(readFileSync(join(merged, 'which'), 'utf8')).toBe('0');
    expect(existsSync(join(merged, 'file-99'))).toBe(true);
    expect(existsSync(join(merged, 'file-50'))).toBe(false);
    writeFileSync(join(merged, 'new'), 'n');
    expect(readFileSync(join(dir, 'upper/new'), 'utf8')).toBe('n');
    expect(readdirSync(dir).filter((name) => name.startsWith('links-'))).toEqual([]);
  });

  it('fails whole, naming the call', async () => {
    const overlay = layers(1);
    expect(() => mountIt(join(dir, 'merged'), { ...overlay, lowerDirs: [join(dir, 'missing')] })).toThrow('ENOENT');
    expect(await mountPointsBelow(join(dir, 'merged'))).toEqual([]);
  });
});
