import { existsSync, mkdirSync, statfsSync } from 'node:fs';
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type ContainerId, containerId } from '../../core/model/index.ts';
import { setLinkUp } from '../../linux/link.ts';
import { mountPointsBelow, unmountInBackground } from '../../linux/mount.ts';
import { createNetns } from '../../linux/netns.ts';
import { setSysctl } from '../../linux/sysctl.ts';
import { hasCode } from '../../linux/system-error.ts';

/** <linux/magic.h>: the file system of namespaces. */
const NSFS_MAGIC = 0x6e736673;

/**
 * Containers' network namespaces. One is the file `<runDir>/netns/<container id>` with the namespace mounted on it;
 * so what exists, and whose it is, can be read from the directory alone after any crash.
 */
export class Namespaces {
  readonly #dir: string;

  constructor(runDir: string) {
    this.#dir = join(runDir, 'netns');
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
  }

  pathOf(id: ContainerId): string {
    return join(this.#dir, id);
  }

  /** Whether one is mounted there, not only its file left. */
  isThere(id: ContainerId): boolean {
    const path = this.pathOf(id);
    return existsSync(path) && statfsSync(path).type === NSFS_MAGIC;
  }

  /** With loopback up; the same again when asked again. */
  async make(id: ContainerId): Promise<string> {
    const path = this.pathOf(id);
    if (existsSync(path)) {
      if (this.isThere(id)) return path;
      // Only the file is left: a reboot, or a crash between making it and mounting on it.
      await unlink(path);
    }
    createNetns(path, () => {
      setLinkUp('lo');
      // Interfaces that come later have no IPv6 address of their own, and tell their neighbours when they come up.
      setIfThere('ipv6/conf/default/disable_ipv6', '1');
      setIfThere('ipv4/conf/default/arp_notify', '1');
    });
    return path;
  }

  /** Resolves before the kernel's own teardown has ended. Idempotent. */
  async remove(id: ContainerId): Promise<void> {
    await release(this.pathOf(id));
  }

  /** Removes what no known container owns, junk too. */
  async keepOnly(known: (id: ContainerId) => boolean): Promise<void> {
    for (const name of await readdir(this.#dir)) if (!isKnown(name, known)) await release(join(this.#dir, name));
  }
}

async function release(path: string): Promise<void> {
  if (!existsSync(path)) return;
  for (const point of await mountPointsBelow(path)) {
    try {
      await unmountInBackground(point);
    } catch (error) {
      // Another removal of the same was faster: an exit and a removal may come together.
      if (!hasCode(error, 'EINVAL', 'ENOENT')) throw error;
    }
  }
  try {
    await unlink(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

/** A kernel without IPv6 has no such setting, nor needs it. */
function setIfThere(path: string, value: string): void {
  try {
    setSysctl(path, value);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

function isKnown(name: string, known: (id: ContainerId) => boolean): boolean {
  try {
    return known(containerId(name));
  } catch {
    return false;
  }
}
