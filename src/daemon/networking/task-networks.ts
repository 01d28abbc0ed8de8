import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerId } from '../../core/model/index.ts';
import type { Log } from '../log.ts';
import type { TaskNetwork } from './task-network.ts';

/**
 * What running containers have, a file each in the run directory: it must outlive the daemon, as the
 * containers do, and need not outlive a reboot, which ends them. So nothing here waits for a disk.
 */
export class TaskNetworks {
  readonly #dir: string;
  readonly #tasks = new Map<ContainerId, TaskNetwork>();

  constructor(runDir: string) {
    this.#dir = join(runDir, 'endpoints');
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
  }

  /** Reads what the last run of the daemon left; forgets, and returns, what belongs to no container that runs. */
  load(isRunning: (id: ContainerId) => boolean, log: Log): readonly TaskNetwork[] {
    const ended: TaskNetwork[] = [];
    for (const name of readdirSync(this.#dir)) {
      const id = name as ContainerId;
      const task = read(join(this.#dir, name));
      if (isRunning(id) && task?.container === id) {
        this.#tasks.set(id, task);
        continue;
      }
      if (task?.container === id) ended.push(task);
      if (isRunning(id))
        log('warn', 'what a container had of its networks cannot be read: it is off them until it is started again', { container: id });
      rmSync(join(this.#dir, name), { force: true });
    }
    return ended;
  }

  get(id: ContainerId): TaskNetwork | undefined {
    return this.#tasks.get(id);
  }

  all(): readonly TaskNetwork[] {
    return [...this.#tasks.values()];
  }

  put(task: TaskNetwork): void {
    const path = join(this.#dir, task.container);
    writeFileSync(`${path}.new`, JSON.stringify(task));
    renameSync(`${path}.new`, path);
    this.#tasks.set(task.container, task);
  }

  remove(id: ContainerId): TaskNetwork | undefined {
    const task = this.#tasks.get(id);
    this.#tasks.delete(id);
    rmSync(join(this.#dir, id), { force: true });
    return task;
  }
}

/** Our own file, whole or not at all; a crash of the host may have left anything. */
function read(path: string): TaskNetwork | undefined {
  try {
    const task = JSON.parse(readFileSync(path, 'utf8')) as TaskNetwork;
    return Array.isArray(task.endpoints) && Array.isArray(task.ports) ? task : undefined;
  } catch {
    return undefined;
  }
}
