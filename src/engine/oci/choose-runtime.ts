import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { bootId } from '../../linux/boot-id.ts';
import { type CgroupTrees, removeCgroup } from '../../linux/cgroup.ts';
import { mount, mountPointsBelow, unmount } from '../../linux/mount.ts';
import { EngineError } from '../port.ts';
import type { EnginePaths } from './engine-paths.ts';
import type { EngineLog } from './engine-log.ts';
import { Runtime, type RuntimeName } from './runtime.ts';
import type { RuntimeSpec } from './runtime-spec.ts';

const execute = promisify(execFile);

/** Where the programs are, for hosts that keep them elsewhere and for tests. */
export interface ProgramPaths {
  readonly conmon?: string;
  readonly runc?: string;
  readonly crun?: string;
}

export interface Runtimes {
  /** For new tasks. */
  readonly chosen: Runtime;
  readonly version: string;
  /** A container keeps the runtime that started it, as long as it runs. */
  named(name: RuntimeName): Runtime;
}

export interface ChooseOptions {
  readonly paths: EnginePaths;
  readonly programs: ProgramPaths;
  /** Tried first; the other one is the fallback. */
  readonly preferred: RuntimeName | undefined;
  readonly log: EngineLog;
  readonly trees: CgroupTrees;
  /** Parent of the self-test's control group. */
  readonly cgroupParent: string;
  /** config.json of the self-test, made as a container's is. */
  readonly testSpec: (rootfs: string, etc: string, cgroupsPath: string) => RuntimeSpec;
}

/**
 * The first runtime that passes its self-test: the preferred one, else crun before runc on cgroup v2,
 * runc before crun on v1, as crun refuses v1 hosts whose v2 tree has controllers.
 * @throws EngineError when none passes
 */
export async function chooseRuntime(options: ChooseOptions): Promise<Runtimes> {
  const usual: readonly RuntimeName[] = options.trees.version === 2 ? ['crun', 'runc'] : ['runc', 'crun'];
  const { preferred } = options;
  const order = preferred === undefined ? usual : [preferred, ...usual.filter((name) => name !== preferred)];
  if (preferred !== undefined && options.programs[preferred] === undefined && findProgram(preferred) === undefined) {
    options.log('warn', `the configuration prefers ${preferred}, which is not installed`);
  }
  const found = order.flatMap((name) => {
    const path = options.programs[name] ?? findProgram(name);
    return path === undefined ? [] : [new Runtime(name, path, join(options.paths.runtimes, name))];
  });
  const failures: string[] = [];
  for (const runtime of found) {
    try {
      const version = await selfTest(runtime, options);
      return { chosen: runtime, version, named: (name) => found.find((each) => each.name === name) ?? runtime };
    } catch (error) {
      const failure = `${runtime.path} failed its self-test: ${error instanceof Error ? error.message : String(error)}`;
      options.log('warn', failure);
      failures.push(failure);
    }
  }
  throw new EngineError('engine-failed', ['no container runtime works here: install crun or runc', ...failures].join('; '));
}

/** Where the program is on PATH or in the usual places. */
export function findProgram(name: string): string | undefined {
  const dirs = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'];
  return dirs
    .filter((dir) => dir.startsWith('/'))
    .map((dir) => join(dir, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes and deletes a container, never starting it, so that an empty file does for a program: control
 * groups, namespaces, mounts and the seccomp filter are all set up by create. Its root is a mount, as a
 * container's is: /run, where bundles lie, is usually mounted noexec, and runc looks at that. Passing
 * holds for this program file until the next boot.
 */
async function selfTest(runtime: Runtime, options: ChooseOptions): Promise<string> {
  const { mtimeMs, size } = await stat(runtime.path);
  const key = `${bootId()} ${runtime.path} ${mtimeMs} ${size}`;
  const cache = join(options.paths.runtimes, `${runtime.name}.passed`);
  const [knownKey, knownVersion] = (await readFile(cache, 'utf8').catch(() => '')).split('\n');
  if (knownKey === key && knownVersion !== undefined) return knownVersion;
  const id = 'self-test';
  const bundle = join(options.paths.bundles, id);
  const rootfs = join(bundle, 'rootfs');
  const cgroup = `${options.cgroupParent}/${id}`;
  await removeSelfTest(bundle);
  try {
    await mkdir(rootfs, { recursive: true });
    await mkdir(join(bundle, 'etc'));
    await mkdir(runtime.root, { recursive: true });
    mount('caravela', rootfs, 'tmpfs', 0, 'size=64k,mode=755');
    await writeFile(join(rootfs, 'true'), '', { mode: 0o755 });
    for (const name of ['hosts', 'hostname', 'resolv.conf']) await writeFile(join(bundle, 'etc', name), '');
    await writeFile(join(bundle, 'config.json'), JSON.stringify(options.testSpec(rootfs, join(bundle, 'etc'), cgroup)));
    const [{ stdout }] = await Promise.all([execute(runtime.path, ['--version']), runtime.create(id, bundle)]);
    const version = /version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
    await writeFile(cache, `${key}\n${version}`);
    return version;
  } finally {
    await runtime.delete(id);
    removeCgroup(options.trees, cgroup);
    await removeSelfTest(bundle);
  }
}

async function removeSelfTest(bundle: string): Promise<void> {
  for (const point of await mountPointsBelow(bundle)) unmount(point);
  await rm(bundle, { recursive: true, force: true });
}
