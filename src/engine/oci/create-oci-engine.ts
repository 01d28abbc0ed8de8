import { mkdir } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { bootId } from '../../linux/boot-id.ts';
import { detectCgroups, limitsSwap, makeParentGroup } from '../../linux/cgroup.ts';
import { MIB } from '../../core/model/index.ts';
import type { FanOptions } from '../output-fan.ts';
import { EngineError } from '../port.ts';
import { ownCapabilities } from './capabilities.ts';
import { chooseRuntime, findProgram, type ProgramPaths } from './choose-runtime.ts';
import { Containers } from './containers.ts';
import { EnginePaths } from './engine-paths.ts';
import type { EngineLog } from './engine-log.ts';
import { OciFiles } from './files/oci-files.ts';
import type { Host } from './host.ts';
import { OciEngine } from './oci-engine.ts';
import type { RootfsProvider } from './rootfs-provider.ts';
import type { RuntimeName } from './runtime.ts';
import { readSeccompProfile } from './seccomp.ts';
import { type TaskSpecInput, taskSpec } from './task-spec.ts';
import { OciVolumes } from './volumes/oci-volumes.ts';

export interface OciEngineOptions {
  /** Containers are kept in `<dataDir>/containers`, on a file system that can be overlay's upper one, and volumes in `<dataDir>/volumes`. */
  readonly dataDir: string;
  /** Ends with a reboot; at most about 60 characters, as sockets lie below it. */
  readonly runDir: string;
  /** Every control group lies below `/caravela-<this>`. */
  readonly nodeShortId: string;
  readonly images: RootfsProvider;
  readonly log: EngineLog;
  readonly seccompPath?: string;
  readonly programs?: ProgramPaths;
  /** Instead of the one that suits the host best; the other is still the fallback. */
  readonly runtime?: RuntimeName | undefined;
  /** How long readers of an output may hold a container up; usually FAN. */
  readonly fan?: FanOptions;
}

const SECCOMP_PATH = '/usr/share/containers/seccomp.json';

/** A container like any other, on the host's network: `/true` is an empty file that never runs. */
const SELF_TEST: Omit<TaskSpecInput, 'rootfs' | 'etc' | 'cgroupsPath'> = {
  spec: { tty: false, readonlyRootfs: false, nanoCpus: 1e9, memoryBytes: 64 * MIB, pidsLimit: 64, capAdd: [], capDrop: [], init: false },
  process: { argv: ['/true'], env: [], workingDir: '/', hostname: 'self-test' },
  user: { uid: 0, gid: 0, additionalGids: [], home: '/' },
  netnsPath: undefined,
};

/** Finds conmon and a runtime that works here. Call `recover` next. @throws EngineError saying what to install */
export async function createOciEngine(options: OciEngineOptions): Promise<OciEngine> {
  const { programs = {}, seccompPath = SECCOMP_PATH, log } = options;
  const paths = new EnginePaths(options.dataDir, options.runDir);
  for (const dir of [paths.containers, paths.bundles, paths.exits, paths.execs, paths.runtimes])
    await mkdir(dir, { recursive: true, mode: 0o711 });
  const conmonPath = programs.conmon ?? findProgram('conmon');
  if (conmonPath === undefined)
    throw new EngineError('engine-failed', 'conmon is not installed: install it (Debian: apt-get install conmon)');
  const seccomp = readSeccompProfile(seccompPath);
  if (seccomp === undefined)
    log('warn', `no seccomp profile at ${seccompPath}: containers run unfiltered (Debian: install golang-github-containers-common)`);
  const trees = detectCgroups();
  const cgroupParent = `/caravela-${options.nodeShortId}`;
  for (const failure of makeParentGroup(trees, cgroupParent)) log('warn', `containers can't be limited here as they should, by ${failure}`);
  const found: Omit<Host, 'runtimes'> = {
    paths,
    trees,
    cgroupParent,
    conmonPath,
    seccomp,
    ownCapabilities: ownCapabilities(),
    swapLimit: limitsSwap(trees, cgroupParent),
    bootId: bootId(),
    volumes: new OciVolumes(join(options.dataDir, 'volumes'), (message) => log('warn', message)),
    log,
  };
  const runtimes = await chooseRuntime({
    paths,
    programs,
    preferred: options.runtime,
    log,
    trees,
    cgroupParent,
    testSpec: (rootfs, etc, cgroupsPath) => taskSpec(found, { ...SELF_TEST, rootfs, etc, cgroupsPath }),
  });
  log('info', `containers run under ${runtimes.chosen.name} ${runtimes.version}, cgroup v${trees.version}, kernel ${release()}`);
  const host: Host = { ...found, runtimes };
  const { images, fan } = options;
  const containers = new Containers();
  const files = new OciFiles({ host, containers, volumes: host.volumes, images });
  return new OciEngine({ host, containers, images, files, ...(fan === undefined ? {} : { fan }) });
}
