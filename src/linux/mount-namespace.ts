import { checked, libc } from './libc.ts';
import { mount, unmount } from './mount.ts';

/**
 * Mount namespaces for the calling thread (mount_namespaces(7)). They leave the process's other threads where they
 * are: whoever calls these may from then on open paths with synchronous calls only. For children made for it.
 */
const CLONE_FS = 0x200;
const CLONE_NEWNS = 0x20000;
const MS_PRIVATE = 0x40000;
const MS_REC = 0x4000;

const SYS_OPEN_TREE = 428;
const SYS_MOVE_MOUNT = 429;
const SYS_MOUNT_SETATTR = 442;
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const O_CLOEXEC = 0o2000000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOVE_MOUNT_T_SYMLINKS = 0x10;
/** <linux/mount.h> */
const MOUNT_ATTR_RDONLY = 0x1;
/** No set-user-ID, no devices, no programs. */
const MOUNT_ATTR_INERT = 0x2 | 0x4 | 0x8;

const unshare = libc<(flags: number) => number>('int unshare(int flags)');
const setns = libc<(fd: number, type: number) => number>('int setns(int fd, int type)');
const pivotRoot = libc<(newRoot: string, putOld: string) => number>('int pivot_root(const char *new_root, const char *put_old)');
const openTreeCall = libc<(nr: number, dir: number, path: string, flags: number) => number>(
  'long syscall(long nr, int dir, const char *path, unsigned int flags)',
);
const moveMount = libc<(nr: number, from: number, fromPath: string, to: number, toPath: string, flags: number) => number>(
  'long syscall(long nr, int from, const char *from_path, int to, const char *to_path, unsigned int flags)',
);
const mountSetattr = libc<(nr: number, dir: number, path: string, flags: number, attributes: Uint8Array, size: number) => number>(
  'long syscall(long nr, int dir, const char *path, unsigned int flags, const uint8_t *attributes, size_t size)',
);

/** From here on this thread's mounts are its own: a copy of those it had, which end with it. @throws SystemError */
export function separateMounts(): void {
  checked(unshare(CLONE_NEWNS), 'unshare', 'CLONE_NEWNS');
  makePrivate();
}

/**
 * What is mounted and unmounted below this thread's root stays there. A tree that was attached since `separateMounts` is
 * one with what it was cloned from: without this the host would get, and lose, what happens in it. @throws SystemError
 */
export function makePrivate(): void {
  mount('none', '/', null, MS_REC | MS_PRIVATE);
}

/** Takes this thread into the namespace behind the descriptor; its root is that namespace's. @throws SystemError */
export function joinMounts(namespace: number): void {
  // The kernel lets in only who shares root and working directory with no other thread.
  checked(unshare(CLONE_FS), 'unshare', 'CLONE_FS');
  checked(setns(namespace, CLONE_NEWNS), 'setns', 'CLONE_NEWNS');
}

/** Makes the mount point `dir` this thread's root, and takes away all that is not below it. After `separateMounts`. @throws SystemError */
export function pivotTo(dir: string): void {
  process.chdir(dir);
  checked(pivotRoot('.', '.'), 'pivot_root', dir);
  // What was the root lies on top of the new one now.
  unmount('.');
  process.chdir('/');
}

/** Nothing below `dir` is a device, a program, or runs as another, whatever its file says (mount_setattr(2)). @throws SystemError */
export function makeInert(dir: string): void {
  setAttributes(dir, MOUNT_ATTR_INERT, AT_RECURSIVE);
}

/** The mount at `dir`, or all below it too, can be read only. @throws SystemError */
export function makeReadOnly(dir: string, recursive: boolean): void {
  setAttributes(dir, MOUNT_ATTR_RDONLY, recursive ? AT_RECURSIVE : 0);
}

/** What is at `path`, with all that is mounted below it, to be put elsewhere by `attachTree` (open_tree(2)). @throws SystemError */
export function cloneTree(path: string): number {
  return checked(openTreeCall(SYS_OPEN_TREE, AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE), 'open_tree', path);
}

/** The file system at `path` alone, without what is mounted in it. @throws SystemError */
export function cloneMount(path: string): number {
  return checked(openTreeCall(SYS_OPEN_TREE, AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC), 'open_tree', path);
}

/** Mounts what `cloneTree` gave at `target`, whose last symlinks are followed. @throws SystemError */
export function attachTree(tree: number, target: string): void {
  checked(moveMount(SYS_MOVE_MOUNT, tree, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS), 'move_mount', target);
}

function setAttributes(dir: string, set: number, flags: number): void {
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(BigInt(set), 0);
  checked(mountSetattr(SYS_MOUNT_SETATTR, AT_FDCWD, dir, flags, attributes, attributes.length), 'mount_setattr', dir);
}
