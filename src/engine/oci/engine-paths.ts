import { join } from 'node:path';
import type { ContainerId } from '../../core/model/index.ts';

/**
 * Where the engine keeps what. Under `dataDir` is what survives a reboot: one directory per container,
 * complete once it holds container.json. Under `runDir` is what a reboot ends: one bundle per running
 * task, the runtimes' state, the exit files.
 */
export class EnginePaths {
  readonly containers: string;
  readonly bundles: string;
  readonly exits: string;
  readonly runtimes: string;
  readonly runDir: string;

  constructor(dataDir: string, runDir: string) {
    this.runDir = runDir;
    this.containers = join(dataDir, 'containers');
    this.bundles = join(runDir, 'bundles');
    this.exits = join(runDir, 'exits');
    this.runtimes = join(runDir, 'runtimes');
  }

  container(id: ContainerId): ContainerPaths {
    const dir = join(this.containers, id);
    return {
      dir,
      record: join(dir, 'container.json'),
      task: join(dir, 'task.json'),
      upper: join(dir, 'upper'),
      work: join(dir, 'work'),
      logDir: join(dir, 'log'),
      log: join(dir, 'log', 'container.log'),
    };
  }

  bundle(id: ContainerId): BundlePaths {
    const dir = join(this.bundles, id);
    return {
      dir,
      config: join(dir, 'config.json'),
      rootfs: join(dir, 'rootfs'),
      etc: join(dir, 'etc'),
      persist: join(dir, 'persist'),
      pid: join(dir, 'ctr.pid'),
      conmonPid: join(dir, 'conmon.pid'),
      control: join(dir, 'ctl'),
      attach: join(dir, 'attach'),
      exit: join(this.exits, id),
    };
  }
}

export interface ContainerPaths {
  readonly dir: string;
  readonly record: string;
  readonly task: string;
  readonly upper: string;
  readonly work: string;
  readonly logDir: string;
  readonly log: string;
}

export interface BundlePaths {
  readonly dir: string;
  readonly config: string;
  /** Where the overlay is mounted. */
  readonly rootfs: string;
  /** hosts, hostname and resolv.conf, bound into the container. */
  readonly etc: string;
  /** conmon leaves a file `oom` here. */
  readonly persist: string;
  readonly pid: string;
  readonly conmonPid: string;
  /** conmon's fifo for commands. */
  readonly control: string;
  /** conmon's socket for the container's standard streams. */
  readonly attach: string;
  readonly exit: string;
}
