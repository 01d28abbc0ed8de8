/**
 * Files of containers. Whoever looks at them is a process of its own that has locked itself into the container's root
 * first (child.ts): in a copy of the task's mount namespace where the container runs, else in an overlay mount of its
 * own, in which a reader's writes go nowhere, so that readers need no lock and stand in nobody's way.
 */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type ContainerId, shortId } from '../../../core/model/index.ts';
import { isAlive } from '../../../linux/process-identity.ts';
import { EngineError, type FileAccess, type FileChange, type PathStat, type WriteArchiveOptions } from '../../port.ts';
import type { Containers } from '../containers.ts';
import type { HeldContainer } from '../held-container.ts';
import type { Host } from '../host.ts';
import { type HostMount, hostMounts } from '../mounts/host-mounts.ts';
import type { RootfsProvider } from '../rootfs-provider.ts';
import type { OciVolumes } from '../volumes/oci-volumes.ts';
import type { FilesTask, Jail, RuntimeMade } from './protocol.ts';
import { FilesChild, type FilesChildOptions } from './run-files-child.ts';
import { treeSize } from './tree-size.ts';

/** Each is a process with some 40 MB. */
const MOST_CHILDREN = 16;

export interface OciFilesOptions {
  readonly host: Pick<Host, 'paths'>;
  readonly containers: Containers;
  readonly volumes: OciVolumes;
  readonly images: Pick<RootfsProvider, 'inspect'>;
}

export class OciFiles implements FileAccess {
  readonly #options: OciFilesOptions;
  readonly #children = new Set<FilesChild>();
  /** Those of them that write. */
  readonly #writers = new Map<ContainerId, Set<FilesChild>>();

  constructor(options: OciFilesOptions) {
    this.#options = options;
  }

  async statPath(id: ContainerId, path: string): Promise<PathStat> {
    const report = await this.#run(id, { kind: 'stat', path }, this.#inside(id), {}, (child) => child.first());
    if (report.kind !== 'stat') throw new EngineError('engine-failed', `can't look at ${path}`);
    return report.stat;
  }

  async readArchive(id: ContainerId, path: string, signal: AbortSignal): Promise<{ readonly stat: PathStat; readonly stream: Readable }> {
    signal.throwIfAborted();
    const child = this.#start(id, { kind: 'read', path }, this.#inside(id), { signal });
    const report = await child.first();
    if (report.kind !== 'stat') throw new EngineError('engine-failed', `can't read ${path}`);
    return { stat: report.stat, stream: child.output() };
  }

  async writeArchive(id: ContainerId, path: string, archive: Readable, options: WriteArchiveOptions): Promise<void> {
    const { containers } = this.#options;
    if (containers.held(id).running !== undefined) return this.#write(id, path, archive, options);
    // Nobody else may mount its upper directory meanwhile.
    await containers.lock.run(id, () => this.#write(id, path, archive, options));
  }

  async exportRoot(id: ContainerId, signal: AbortSignal): Promise<Readable> {
    const held = this.#options.containers.held(id);
    const { running } = held;
    const jail: Jail =
      running === undefined ? this.#merged(held, false, []) : { kind: 'bare', dir: this.#options.host.paths.bundle(id).rootfs };
    // Its root is mounted there for as long as the task runs: from then on it would be another root, or none.
    const hasEnded = (): boolean => running !== undefined && held.running !== running;
    try {
      const stream = await this.#stream(id, { kind: 'export' }, jail, signal);
      if (!hasEnded()) return stream;
      stream.destroy();
    } catch (error) {
      if (!hasEnded()) throw error;
    }
    return this.exportRoot(id, signal);
  }

  async exportLayer(id: ContainerId, signal: AbortSignal): Promise<Readable> {
    const held = this.#options.containers.held(id);
    const jail: Jail = { kind: 'bare', dir: this.#options.host.paths.container(id).upper };
    return this.#stream(id, { kind: 'layer', runtimeMade: runtimeMade(held) }, jail, signal);
  }

  async changes(id: ContainerId): Promise<readonly FileChange[]> {
    const held = this.#options.containers.held(id);
    const paths = this.#options.host.paths.container(id);
    const jail: Jail = { kind: 'compare', upperDir: paths.upper, lowerDirs: held.record.layerDirs, at: paths.logDir };
    const made: RuntimeMade = { ...runtimeMade(held), '/etc': 'directory' };
    const reports = await this.#run(id, { kind: 'changes', runtimeMade: made }, jail, {}, (child) => child.done());
    return reports.flatMap((report) => (report.kind === 'changes' ? report.changes : []));
  }

  async sizes(id: ContainerId): Promise<{ readonly writtenBytes: number; readonly rootBytes: number }> {
    const { record } = this.#options.containers.held(id);
    const [writtenBytes, image] = await Promise.all([
      treeSize(this.#options.host.paths.container(id).upper),
      this.#options.images.inspect(record.spec.image.digest),
    ]);
    return { writtenBytes, rootBytes: writtenBytes + (image?.sizeBytes ?? 0) };
  }

  /**
   * Whoever writes into the container is ended: before its upper directory is mounted anew, as a write may still go
   * through its last task's mount, and before it goes.
   */
  async endWriters(id: ContainerId): Promise<void> {
    const writers = [...(this.#writers.get(id) ?? [])];
    for (const writer of writers) writer.kill();
    await Promise.allSettled(writers.map((writer) => writer.done()));
  }

  /** Ends all that is under way. */
  close(): void {
    for (const child of this.#children) child.kill();
  }

  async #write(id: ContainerId, path: string, archive: Readable, options: WriteArchiveOptions): Promise<void> {
    const held = this.#options.containers.held(id);
    const { running } = held;
    const jail: Jail = running === undefined ? this.#merged(held, true, this.#mounts(held)) : { kind: 'task' };
    const child = this.#start(id, { kind: 'write', path, options, user: held.record.process.user }, jail, { archive });
    const writers = this.#writers.get(id) ?? new Set();
    this.#writers.set(id, writers.add(child));
    try {
      await child.done();
    } finally {
      writers.delete(child);
      if (writers.size === 0) this.#writers.delete(id);
    }
  }

  async #stream(id: ContainerId, task: FilesTask, jail: Jail, signal: AbortSignal): Promise<Readable> {
    signal.throwIfAborted();
    const child = this.#start(id, task, jail, { signal });
    const report = await child.first();
    return report.kind === 'failed' ? Promise.reject(new EngineError('engine-failed', report.message)) : child.output();
  }

  async #run<T>(
    id: ContainerId,
    task: FilesTask,
    jail: Jail,
    options: FilesChildOptions,
    ask: (child: FilesChild) => Promise<T>,
  ): Promise<T> {
    return ask(this.#start(id, task, jail, options));
  }

  #start(id: ContainerId, task: FilesTask, jail: Jail, options: FilesChildOptions): FilesChild {
    if (this.#children.size >= MOST_CHILDREN) {
      throw new EngineError(
        'engine-failed',
        `${MOST_CHILDREN} copies from and to containers are under way on this node: try again when one has ended`,
      );
    }
    const taskMounts = jail.kind === 'task' ? this.#taskMounts(id) : undefined;
    try {
      const child = new FilesChild({ jail, task }, { ...options, ...(taskMounts === undefined ? {} : { taskMounts }) });
      this.#children.add(child);
      void child.closed.then(() => this.#children.delete(child));
      return child;
    } finally {
      if (taskMounts !== undefined) closeSync(taskMounts);
    }
  }

  /** @throws EngineError wrong-state where the task has just ended */
  #taskMounts(id: ContainerId): number {
    const { running } = this.#options.containers.held(id);
    const ended = new EngineError('wrong-state', `container ${shortId(id)} has just ended: try again`);
    if (running === undefined) throw ended;
    let fd: number;
    try {
      fd = openSync(`/proc/${running.init.pid}/ns/mnt`, 'r');
    } catch {
      throw ended;
    }
    // The descriptor stands for one namespace: whether for the right one, the process's start time tells.
    if (isAlive(running.init)) return fd;
    closeSync(fd);
    throw ended;
  }

  #inside(id: ContainerId): Jail {
    const held = this.#options.containers.held(id);
    return held.running === undefined ? this.#merged(held, false, this.#mounts(held)) : { kind: 'task' };
  }

  #merged(held: HeldContainer, write: boolean, mounts: readonly HostMount[]): Jail {
    const { layerDirs, id, spec } = held.record;
    const paths = this.#options.host.paths.container(id);
    return {
      kind: 'merged',
      lowerDirs: write ? layerDirs : [paths.upper, ...layerDirs],
      writeTo: write ? { upperDir: paths.upper, workDir: paths.work } : undefined,
      at: paths.logDir,
      readOnly: write && spec.readonlyRootfs,
      mounts: mounts.map(({ source, target, readOnly }) => ({ source, target, readOnly })),
    };
  }

  #mounts({ record }: HeldContainer): readonly HostMount[] {
    return hostMounts(record.mounts ?? [], (name) => this.#options.volumes.dataPath(name));
  }
}

function runtimeMade({ record }: HeldContainer): RuntimeMade {
  const directories = ['/dev', '/proc', '/sys'].map((path) => [path, 'directory'] as const);
  const files = ['resolv.conf', 'hostname', 'hosts'].map((name) => [join('/etc', name), 'file'] as const);
  const init = record.spec.init ? [['/sbin/docker-init', 'file'] as const] : [];
  return Object.fromEntries([...directories, ...files, ...init]);
}
