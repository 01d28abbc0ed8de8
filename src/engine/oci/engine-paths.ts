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
  /** What was started in a container beside its first process, a directory each. */
  readonly execs: string;
  readonly runtimes: string;
  readonly runDir: string;

  constructor(dataDir: string, runDir: string) {
    this.runDir = runDir;
    this.containers = join(dataDir, 'containers');
    this.bundles = join(runDir, 'bundles');
    this.exits = join(runDir, 'exits');
    this.execs = join(runDir, 'execs');
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
      sharedMemory: join(dir, 'shm'),
      persist: join(dir, 'persist'),
      pid: join(dir, 'ctr.pid'),
      conmonPid: join(dir, 'conmon.pid'),
      control: join(dir, 'ctl'),
      attach: join(dir, 'attach'),
      exit: join(this.exits, id),
    };
  }

  /** @param name short, as its socket's path must be. */
  exec(name: string): ExecPaths {
    const dir = join(this.execs, name);
    return {
      dir,
      process: join(dir, 'process.json'),
      pid: join(dir, 'pid'),
      conmonPid: join(dir, 'conmon.pid'),
      control: join(dir, 'ctl'),
      attach: join(dir, 'attach'),
    };
  }
}

export interface ExecPaths {
  readonly dir: string;
  /** process.json of the runtime spec. */
  readonly process: string;
  readonly pid: string;
  readonly conmonPid: string;
  readonly control: string;
  readonly attach: string;
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
  /** What other containers may have for /dev/shm, too; only where that was asked for. */
  readonly sharedMemory: string;
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
