import { execFileSync } from 'node:child_process';
import { accessSync, constants, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerId } from '../../core/model/index.ts';
import { childGroups, detectCgroups, killCgroup, removeCgroup } from '../../linux/cgroup.ts';
import { mountPointsBelow, unmount } from '../../linux/mount.ts';
import { SHORT_PATIENCE } from '../attach.test-suite.ts';
import type { EngineBench } from '../contract.test-suite.ts';
import { ImageError, type ImageRef } from '../port.ts';
import { containerSpec } from '../spec.test-suite.ts';
import type { ProgramPaths } from './choose-runtime.ts';
import { createOciEngine } from './create-oci-engine.ts';
import type { OciEngine } from './oci-engine.ts';
import type { OciImageConfig, Rootfs, RootfsProvider } from './rootfs-provider.ts';
import { findStrays } from './strays.ts';
import { EnginePaths } from './engine-paths.ts';

/** Images as directories: one, made of the host's static busybox. */
export class DirectoryImages implements RootfsProvider {
  readonly config: OciImageConfig;
  readonly retained = new Map<ContainerId, string>();
  readonly #layers: readonly string[];

  constructor(layers: readonly string[], config: OciImageConfig = {}) {
    this.#layers = layers;
    this.config = config;
  }

  async rootfsOf(image: ImageRef): Promise<Rootfs> {
    if (image.digest !== containerSpec().image.digest) throw new ImageError('not-found', `no image ${image.reference}`);
    return { imageId: `sha256:${'c'.repeat(64)}`, layerDirs: this.#layers, config: this.config, release: () => undefined };
  }
  async settled(): Promise<void> {}
  retain(digest: string, id: ContainerId): void {
    this.retained.set(id, digest);
  }
  releaseContainer(id: ContainerId): void {
    this.retained.delete(id);
  }
  async fetch(image: ImageRef): Promise<void> {
    throw new ImageError('not-found', `image ${image.reference} is nowhere`);
  }
  async inspect(): Promise<undefined> {
    return undefined;
  }
  readonly list = unused;
  readonly pull = unused;
  readonly load = unused;
  readonly remove = unused;
  readonly openBlob = unused;
  readonly registrySource = unused;
  readonly tag = unused;
  readonly untag = unused;
  readonly push = unused;
  readonly save = unused;
  readonly prune = unused;
  readonly usage = unused;
  readonly importRoot = unused;
  readonly commit = unused;
  readonly distribution = unused;
  readonly login = unused;
}

function unused(): never {
  throw new Error('directories are no registry');
}

/** A node's directories for one test, and everything a leak would show in. */
export class OciBench implements EngineBench {
  readonly dir = mkdtempSync(join(tmpdir(), 'cv-'));
  readonly dataDir = join(this.dir, 'data');
  readonly runDir = join(this.dir, 'run');
  readonly nodeShortId = `test-${process.pid}-${this.dir.slice(-6)}`;
  readonly images: DirectoryImages;
  readonly warnings: string[] = [];
  readonly #programs: ProgramPaths;
  readonly #engines: OciEngine[] = [];

  constructor(config: OciImageConfig = {}, programs: ProgramPaths = {}) {
    requireTools();
    this.#programs = programs;
    this.images = new DirectoryImages([makeBusybox(join(this.dir, 'layer'))], config);
  }

  async open(): Promise<OciEngine> {
    for (const engine of this.#engines) await engine.close();
    const engine = await createOciEngine({
      dataDir: this.dataDir,
      runDir: this.runDir,
      nodeShortId: this.nodeShortId,
      images: this.images,
      programs: this.#programs,
      fan: SHORT_PATIENCE,
      log: (level, message) => {
        if (level === 'warn') this.warnings.push(message);
      },
    });
    this.#engines.push(engine);
    return engine;
  }

  /** What there is of containers in the kernel and the run directory; empty when nothing leaked. */
  async traces(): Promise<string[]> {
    const paths = new EnginePaths(this.dataDir, this.runDir);
    const listed = [paths.bundles, paths.exits, paths.execs, join(paths.runtimes, 'runc'), join(paths.runtimes, 'crun')].flatMap((dir) =>
      list(dir).map((name) => join(dir, name)),
    );
    const groups = childGroups(detectCgroups(), `/caravela-${this.nodeShortId}`).filter((name) => name !== 'conmon');
    const strays = findStrays(paths).map(({ argv }) => argv.join(' '));
    return [...listed, ...groups, ...strays, ...(await mountPointsBelow(this.dir))];
  }

  async destroy(): Promise<void> {
    for (const engine of this.#engines) await engine.close();
    const traces = await this.traces();
    const trees = detectCgroups();
    await killCgroup(trees, `/caravela-${this.nodeShortId}`);
    for (const { process: stray } of findStrays(new EnginePaths(this.dataDir, this.runDir))) process.kill(stray.pid, 'SIGKILL');
    for (const point of await mountPointsBelow(this.dir)) unmount(point);
    for (let tries = 0; tries < 1_000; tries++) {
      try {
        removeCgroup(trees, `/caravela-${this.nodeShortId}`);
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    rmSync(this.dir, { recursive: true, force: true });
    if (traces.length > 0) throw new Error(`left behind: ${traces.join('; ')}`);
  }
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function makeBusybox(dir: string): string {
  for (const name of ['bin', 'etc', 'tmp', 'root', 'proc', 'dev', 'sys']) mkdirSync(join(dir, name), { recursive: true });
  copyFileSync('/bin/busybox', join(dir, 'bin/busybox'));
  for (const name of execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).split('\n')) {
    if (name !== '' && name !== 'busybox') symlinkSync('busybox', join(dir, 'bin', name));
  }
  writeFileSync(join(dir, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nsailor:x:1001:1002::/home/sailor:/bin/sh\n');
  writeFileSync(join(dir, 'etc/group'), 'root:x:0:\ncrew:x:1002:\ndeck:x:1003:sailor\n');
  return dir;
}

/** Fails loudly: a skipped contract test says nothing. */
function requireTools(): void {
  if (process.getuid?.() !== 0) throw new Error('these tests make containers: run them as root');
  for (const [path, what] of [
    ['/bin/busybox', 'busybox-static'],
    ['/usr/bin/conmon', 'conmon'],
  ] as const) {
    try {
      accessSync(path, constants.X_OK);
    } catch {
      throw new Error(`these tests need ${what}: ${path} is missing`);
    }
  }
}
