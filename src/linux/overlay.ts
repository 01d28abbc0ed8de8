import { closeSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checked, libc } from './libc.ts';
import { mount, unmount } from './mount.ts';

/**
 * Overlay mounts with any number of layers. The option string of mount(2) ends at one page, which
 * 40 layers with long paths fill. Two ways around it: since about Linux 6.5 a layer each can be added
 * through the new mount API (fsconfig `lowerdir+`); before, short symlinks in the working directory
 * stand for the paths. Which one works is tried once, on the first mount.
 *
 * Source: Documentation/filesystems/overlayfs.rst. Cost: about 0.3 ms.
 */
export interface Overlay {
  /** Read-only directories, the topmost first. */
  readonly lowerDirs: readonly string[];
  readonly upperDir: string;
  /** On the upper directory's file system, used by nothing else. */
  readonly workDir: string;
}

/** The same numbers on every 64-bit architecture. */
const SYS_MOVE_MOUNT = 429;
const SYS_FSOPEN = 430;
const SYS_FSCONFIG = 431;
const SYS_FSMOUNT = 432;
const CLOEXEC = 1;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const AT_FDCWD = -100;

const fsopen = libc<(nr: number, type: string, flags: number) => number>('long syscall(long nr, const char *type, unsigned int flags)');
const fsconfig = libc<(nr: number, fd: number, command: number, key: string | null, value: string | null, aux: number) => number>(
  'long syscall(long nr, int fd, unsigned int command, const char *key, const char *value, int aux)',
);
const fsmount = libc<(nr: number, fd: number, flags: number, attributes: number) => number>(
  'long syscall(long nr, int fd, unsigned int flags, unsigned int attributes)',
);
const moveMount = libc<(nr: number, from: number, fromPath: string, to: number, toPath: string, flags: number) => number>(
  'long syscall(long nr, int from, const char *from_path, int to, const char *to_path, unsigned int flags)',
);

/** Whatever this kernel's defaults are: what a container wrote is to be whole in its upper directory, readable without the layers below. */
const PLAIN = [
  ['redirect_dir', 'off'],
  ['metacopy', 'off'],
  ['index', 'off'],
] as const;

let layerByLayer: boolean | undefined;

/** Mounts it at `target`. The kernel accepts two mounts on one upper directory and corrupts it: the caller must not. @throws SystemError */
export function mountOverlay(target: string, overlay: Overlay): void {
  layerByLayer ??= hasLayerOption();
  if (layerByLayer) mountLayerByLayer(target, overlay);
  else mountByShortLinks(target, overlay);
}

export function mountLayerByLayer(target: string, overlay: Overlay): void {
  const context = checked(fsopen(SYS_FSOPEN, 'overlay', CLOEXEC), 'fsopen', 'overlay');
  try {
    const set = (key: string, value: string): number =>
      checked(fsconfig(SYS_FSCONFIG, context, FSCONFIG_SET_STRING, key, value, 0), 'fsconfig', key, value);
    set('source', 'overlay');
    for (const dir of overlay.lowerDirs) set('lowerdir+', dir);
    set('upperdir', overlay.upperDir);
    set('workdir', overlay.workDir);
    for (const [key, value] of PLAIN) set(key, value);
    checked(fsconfig(SYS_FSCONFIG, context, FSCONFIG_CMD_CREATE, null, null, 0), 'fsconfig create', overlay.upperDir, target);
    const detached = checked(fsmount(SYS_FSMOUNT, context, CLOEXEC, 0), 'fsmount', target);
    try {
      checked(moveMount(SYS_MOVE_MOUNT, detached, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH), 'move_mount', target);
    } finally {
      closeSync(detached);
    }
  } finally {
    closeSync(context);
  }
}

export function mountByShortLinks(target: string, overlay: Overlay): void {
  const links = mkdtempSync(join(dirname(overlay.upperDir), 'links-'));
  const home = process.cwd();
  try {
    const link = (name: string, path: string): string => {
      symlinkSync(path, join(links, name));
      return name;
    };
    const lower = overlay.lowerDirs.map((dir, index) => link(index.toString(36), dir)).join(':');
    const data = `lowerdir=${lower},upperdir=${link('U', overlay.upperDir)},workdir=${link('W', overlay.workDir)},${PLAIN.map((option) => option.join('=')).join(',')}`;
    process.chdir(links);
    mount('overlay', target, 'overlay', 0, data);
  } finally {
    process.chdir(home);
    rmSync(links, { recursive: true, force: true });
  }
}

/** Tries it for real on empty directories: kernels before 6.5 know neither the option nor the call, and a version proves nothing. */
function hasLayerOption(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'overlay-probe-'));
  const of = (name: string): string => join(dir, name);
  try {
    // The upper directory needs a file system that can be one; a fresh tmpfs can, whatever /tmp is.
    mount('tmpfs', dir, 'tmpfs');
    for (const name of ['lower', 'base', 'target', 'upper', 'work']) mkdirSync(of(name));
    mountLayerByLayer(of('target'), { lowerDirs: [of('lower'), of('base')], upperDir: of('upper'), workDir: of('work') });
    unmount(of('target'));
    return true;
  } catch {
    return false;
  } finally {
    try {
      unmount(dir);
    } catch {
      // The tmpfs never came; mounting says why, and the fallback is tried.
    }
    rmSync(dir, { recursive: true, force: true });
  }
}
