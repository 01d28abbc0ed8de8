import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { checked, libc } from './libc.ts';
import { mount, MS_BIND } from './mount.ts';

/**
 * Named network namespaces (network_namespaces(7)): a namespace lives as long as something is in it
 * or its file is mounted somewhere. A thread can step into one and back; everything between must be
 * synchronous, as the next callback may need the host's network on this same thread.
 */
const CLONE_NEWNET = 0x40000000;

const unshareCall = libc<(flags: number) => number>('int unshare(int flags)');
const setnsCall = libc<(fd: number, type: number) => number>('int setns(int fd, int type)');

/**
 * Makes a network namespace, runs `configure` inside and mounts it at `path` (a new file), so that what is mounted is
 * whole, wherever this process may have been killed. Where anything fails nothing is left. @throws SystemError, or
 * Node's EEXIST where `path` is taken
 */
export function createNetns(path: string, configure: () => void): void {
  writeFileSync(path, '', { flag: 'wx' });
  try {
    elsewhere(
      () => checked(unshareCall(CLONE_NEWNET), 'unshare', 'CLONE_NEWNET'),
      () => {
        configure();
        mount('/proc/thread-self/ns/net', path, null, MS_BIND);
      },
    );
  } catch (error) {
    unlinkSync(path);
    throw error;
  }
}

/** Runs `body`, synchronous, inside the network namespace at `path`. @throws SystemError */
export function inNetns<T>(path: string, body: () => T): T {
  const target = openSync(path, 'r');
  try {
    return elsewhere(() => checked(setnsCall(target, CLONE_NEWNET), 'setns', path), body);
  } finally {
    closeSync(target);
  }
}

function elsewhere<T>(enter: () => void, body: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    enter();
    try {
      return body();
    } finally {
      // A daemon whose main thread is stuck in a container's network would harm both: better none.
      if (setnsCall(home, CLONE_NEWNET) !== 0) process.abort();
    }
  } finally {
    closeSync(home);
  }
}
