import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { mknod } from '../../../linux/mknod.ts';
import { unmount } from '../../../linux/mount.ts';
import { mountOverlay } from '../../../linux/overlay.ts';
import { lgetxattr, lsetxattr } from '../../../linux/xattr.ts';
import { makeMountPoints } from './make-mount-points.ts';

const ETC = ['hostname', 'hosts', 'resolv.conf'];
let dir: string;
let upper: string;
/** The topmost first. */
let layers: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'caravela-mount-points-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const [top, base] = ['upper', 'top', 'base', 'work', 'root']
    .map((name) => join(dir, name))
    .map((path) => (mkdirSync(path), path))
    .slice(1);
  upper = join(dir, 'upper');
  layers = [top ?? '', base ?? ''];
});

/** `-` whiteout, `*` opaque directory, `>` symlink, `/` directory, else a file. */
function has(layer: 'top' | 'base', ...paths: readonly string[]): void {
  for (const path of paths) {
    const at = join(dir, layer, path.replace(/[-*]$|>.*$/, ''));
    mkdirSync(dirname(at), { recursive: true });
    if (path.endsWith('-')) mknod(at, 'character', 0);
    else if (path.includes('>')) symlinkSync(path.slice(path.indexOf('>') + 1), at);
    else if (path.endsWith('/') || path.endsWith('*')) mkdirSync(at, { recursive: true });
    else writeFileSync(at, layer);
    if (path.endsWith('*')) lsetxattr(at, 'trusted.overlay.opaque', Buffer.from('y'));
  }
}

/** What the container would see. */
function seen<T>(look: (root: string) => T): T {
  const root = join(dir, 'root');
  mountOverlay(root, { lowerDirs: layers, upperDir: upper, workDir: join(dir, 'work') });
  try {
    return look(root);
  } finally {
    unmount(root);
  }
}

const made = (path = ''): string[] =>
  readdirSync(join(upper, path), { withFileTypes: true }).flatMap((entry) => {
    const name = `${path}/${entry.name}`;
    return entry.isDirectory() ? [`${name}/`, ...made(name)] : [name];
  });

it('an empty image gets all of it', () => {
  makeMountPoints(upper, layers, '/a/b/');
  expect(made().toSorted()).toEqual(['/a/', '/a/b/', '/etc/', ...ETC.map((name) => `/etc/${name}`)]);
  const modes = ['a', 'a/b', 'etc', 'etc/hosts'].map((path) => lstatSync(join(upper, path)).mode & 0o7777);
  expect(modes).toEqual([0o755, 0o755, 0o755, 0o755]);
});

it('an image that has it stays as it is', () => {
  has('base', 'etc/hosts', 'etc/hostname', 'etc/resolv.conf', 'job/');
  makeMountPoints(upper, layers, '/job');
  expect(made()).toEqual([]);
});

it('directories of the image keep owner, mode, times and attributes, and what is in them', () => {
  has('base', 'usr/src/old', 'etc/passwd');
  has('top', 'usr/src/new');
  const src = join(dir, 'top', 'usr', 'src');
  chownSync(src, 7, 8);
  chmodSync(src, 0o2751);
  lsetxattr(src, 'trusted.mark', Buffer.from('kept'));
  utimesSync(join(dir, 'top', 'usr'), 1_000, 1_000);
  makeMountPoints(upper, layers, '/usr/src/app');
  expect(lstatSync(join(upper, 'usr', 'src'))).toMatchObject({ uid: 7, gid: 8, mode: 0o042751 });
  expect(lgetxattr(join(upper, 'usr', 'src'), 'trusted.mark')?.toString()).toBe('kept');
  expect(lstatSync(join(upper, 'usr')).mtimeMs).toBe(1_000_000);
  expect(seen((root) => readdirSync(join(root, 'usr/src')).toSorted())).toEqual(['app', 'new', 'old']);
  expect(seen((root) => readdirSync(join(root, 'etc')).toSorted())).toEqual(['hostname', 'hosts', 'passwd', 'resolv.conf']);
});

it('what a layer has taken away is made anew, and nothing comes back', () => {
  has('base', 'gone/old', 'swapped/old', 'etc/hosts');
  has('top', 'gone-', 'swapped*', 'etc/hosts-');
  makeMountPoints(upper, layers, '/gone/dir');
  makeMountPoints(upper, layers, '/swapped/old');
  expect(
    seen((root) => [
      readdirSync(join(root, 'gone')),
      readdirSync(join(root, 'swapped/old')),
      readFileSync(join(root, 'etc/hosts'), 'utf8'),
    ]),
  ).toEqual([['dir'], [], '']);
});

it('symlinks are followed within the root, wherever they point', () => {
  const outside = join(dir, 'outside');
  mkdirSync(outside);
  has('base', `out>${outside}`, 'up>../../../srv', 'srv/');
  has('top', 'app>up/app');
  makeMountPoints(upper, layers, '/app/run');
  makeMountPoints(upper, layers, '/out/x');
  expect(readdirSync(outside)).toEqual([]);
  expect(made()).toEqual(expect.arrayContaining(['/srv/app/run/', `${outside}/x/`]));
});

it.each(['/file', '/file/below', '/link'])('a working directory that is, or is in, a file is refused: %s', (path) => {
  has('base', 'file', 'link>file');
  expect(() => makeMountPoints(upper, layers, path)).toThrow(`Cannot mkdir: ${path} is not a directory`);
});

it('what is behind a symlink at /etc is left to the runtime', () => {
  has('base', 'etc>/run/etc');
  makeMountPoints(upper, layers, '/');
  expect(made()).toEqual([]);
});
