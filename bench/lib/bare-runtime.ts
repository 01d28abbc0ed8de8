import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../test/lab/shell.ts';

interface Config {
  root: { path: string };
  mounts: { source?: string }[];
  linux: { cgroupsPath: string; namespaces: { type: string; path?: string }[] };
}

interface RecordFile {
  readonly layerDirs: readonly string[];
}

export interface BareTimes {
  readonly create: number;
  readonly start: number;
}

/**
 * The floor: the runtime's own `create` and `start` on the bundle that our engine made for a container,
 * with a root file system mounted beforehand and an own network namespace that the runtime makes.
 */
export class BareRuntime {
  readonly #program: string;
  readonly #dir: string;
  readonly #root: string;

  private constructor(program: string, dir: string) {
    this.#program = program;
    this.#dir = dir;
    this.#root = join(dir, 'state');
  }

  /** Copies the bundle of one of our running containers. */
  static async from(program: string, dir: string, bundleDir: string, containerDir: string): Promise<BareRuntime> {
    for (const name of ['rootfs', 'upper', 'work', 'state']) mkdirSync(join(dir, name), { recursive: true });
    cpSync(join(bundleDir, 'etc'), join(dir, 'etc'), { recursive: true });
    const config = JSON.parse(readFileSync(join(bundleDir, 'config.json'), 'utf8')) as Config;
    config.root.path = join(dir, 'rootfs');
    for (const mount of config.mounts) mount.source = mount.source?.replace(`${bundleDir}/`, `${dir}/`);
    for (const namespace of config.linux.namespaces) if (namespace.type === 'network') delete namespace.path;
    config.linux.cgroupsPath = `${config.linux.cgroupsPath.split('/').slice(0, -1).join('/')}/bare`;
    writeFileSync(join(dir, 'config.json'), JSON.stringify(config));
    const { layerDirs } = JSON.parse(readFileSync(join(containerDir, 'container.json'), 'utf8')) as RecordFile;
    const options = `lowerdir=${layerDirs.join(':')},upperdir=${dir}/upper,workdir=${dir}/work`;
    await must(['mount', '-t', 'overlay', 'overlay', '-o', options, join(dir, 'rootfs')]);
    return new BareRuntime(program, dir);
  }

  async run(id: string): Promise<BareTimes> {
    const create = await this.#timed('create', '--bundle', this.#dir, id);
    return { create, start: await this.#timed('start', id) };
  }

  async delete(id: string): Promise<void> {
    await this.#timed('delete', '--force', id);
  }

  async close(): Promise<void> {
    await must(['umount', join(this.#dir, 'rootfs')]);
  }

  async #timed(...words: readonly string[]): Promise<number> {
    const began = performance.now();
    // The container inherits what the runtime has: with a pipe we would wait for the container's end.
    const child = spawn(this.#program, ['--root', this.#root, ...words], { stdio: 'ignore' });
    const [code] = (await once(child, 'exit')) as [number | null];
    const tookMs = performance.now() - began;
    if (code !== 0) throw new Error(`${this.#program} ${words.join(' ')} ended with ${code}`);
    return tookMs;
  }
}
