import { existsSync, mkdirSync } from 'node:fs';
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type ContainerId, containerId } from '../../core/model/index.ts';
import { setLinkUp } from '../../linux/link.ts';
import { mountPointsBelow, unmountInBackground } from '../../linux/mount.ts';
import { createNetns } from '../../linux/netns.ts';
import { hasCode } from '../../linux/system-error.ts';
import type { Attachment, Network } from '../port.ts';

/**
 * Containers apart from every network (`none`: a namespace of their own with loopback only) or on the
 * host's (`host`: no namespace). A namespace is the file `<runDir>/netns/<container id>` with the
 * namespace mounted on it; so what exists, and whose it is, can be read from the directory alone
 * after any crash. An attachment outlives its container's tasks.
 */
export class IsolatedNetwork implements Network {
  readonly #dir: string;

  constructor(runDir: string) {
    this.#dir = join(runDir, 'netns');
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
  }

  async attach(id: ContainerId, mode: 'none' | 'host'): Promise<Attachment> {
    if (mode === 'host') {
      await this.detach(id);
      return { netnsPath: undefined };
    }
    const path = this.#pathOf(id);
    if (existsSync(path)) {
      if ((await mountPointsBelow(path)).length > 0) return { netnsPath: path };
      // Only the file is left: a reboot, or a crash between making it and mounting on it.
      await unlink(path);
    }
    createNetns(path, () => setLinkUp('lo'));
    return { netnsPath: path };
  }

  async detach(id: ContainerId): Promise<void> {
    await release(this.#pathOf(id));
  }

  async recover(known: (id: ContainerId) => boolean): Promise<void> {
    for (const name of await readdir(this.#dir)) {
      if (!isKnown(name, known)) await release(join(this.#dir, name));
    }
  }

  #pathOf(id: ContainerId): string {
    return join(this.#dir, id);
  }
}

async function release(path: string): Promise<void> {
  if (!existsSync(path)) return;
  for (const point of await mountPointsBelow(path)) {
    try {
      await unmountInBackground(point);
    } catch (error) {
      // Another detach of the same container was faster: an exit and a removal may come together.
      if (!hasCode(error, 'EINVAL', 'ENOENT')) throw error;
    }
  }
  try {
    await unlink(path);
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
