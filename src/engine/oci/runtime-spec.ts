import type { ContainerSpec, MountWish } from '../port.ts';
import type { ContainerUser } from './container-user.ts';
import type { ProcessConfig } from './process-config.ts';
import { protectedPaths } from './protected-paths.ts';
import type { TaskDevices } from './runtime-spec-devices.ts';
import { INIT, rootPropagation, taskMounts } from './runtime-spec-mounts.ts';
import { type JoinedNamespaces, taskNamespaces } from './runtime-spec-namespaces.ts';
import { taskResources } from './runtime-spec-resources.ts';
import { taskSysctls } from './runtime-spec-sysctls.ts';
import type { RuntimeLimit } from './runtime-spec-ulimits.ts';
import type { OciSeccomp } from './seccomp.ts';

/** Everything that goes into one task's config.json. */
export interface RuntimeSpecInput {
  readonly spec: Pick<
    ContainerSpec,
    'tty' | 'terminalSize' | 'readonlyRootfs' | 'nanoCpus' | 'memoryBytes' | 'pidsLimit' | 'domainname' | 'extras'
  >;
  readonly process: Pick<ProcessConfig, 'argv' | 'env' | 'workingDir' | 'hostname'>;
  readonly user: ContainerUser;
  readonly rootfs: string;
  readonly etc: string;
  /** undefined: the host's network. */
  readonly netnsPath: string | undefined;
  readonly cgroupsPath: string;
  readonly cgroupVersion: 1 | 2;
  /** False on a v1 kernel that doesn't account swap: a swap limit would then fail the start. */
  readonly swapLimit: boolean;
  readonly capabilities: readonly string[];
  readonly seccomp: OciSeccomp | undefined;
  readonly noNewPrivileges: boolean;
  /** The host's init program, bound in and run as process 1. */
  readonly initPath: string | undefined;
  readonly mounts: readonly MountWish[];
  readonly volumePath: (name: string) => string;
  readonly devices: TaskDevices;
  readonly rlimits: readonly RuntimeLimit[];
  /** undefined: as this daemon's. */
  readonly oomScoreAdj: number | undefined;
  readonly joined: JoinedNamespaces;
}

/** The runtime spec's config.json, as far as we write it (opencontainers/runtime-spec 1.0.2). */
export type RuntimeSpec = ReturnType<typeof runtimeSpec>;

/** Docker's container: its mounts, devices, masked paths and namespaces. Pure. */
export function runtimeSpec(input: RuntimeSpecInput) {
  const { spec, process } = input;
  const { extras = {} } = spec;
  const own = { network: input.netnsPath !== undefined, ipc: ownIpc(input), uts: extras.utsMode !== 'host' };
  const sysctl = taskSysctls(extras.sysctls ?? {}, spec.domainname ?? '', own);
  const propagation = rootPropagation(input.mounts);
  return {
    ociVersion: '1.0.2',
    process: processSpec(input),
    root: { path: input.rootfs, readonly: spec.readonlyRootfs },
    ...(own.uts ? { hostname: process.hostname } : {}),
    mounts: taskMounts({ ...input, sharedMemory: input.joined.sharedMemory }),
    linux: {
      cgroupsPath: input.cgroupsPath,
      resources: taskResources(input, input.devices.rules),
      namespaces: taskNamespaces({ ...input, extras }),
      ...(input.devices.nodes.length === 0 ? {} : { devices: input.devices.nodes }),
      ...(Object.keys(sysctl).length === 0 ? {} : { sysctl }),
      ...(input.seccomp === undefined ? {} : { seccomp: input.seccomp }),
      ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
      ...protectedPaths(extras),
    },
  };
}

function processSpec(input: RuntimeSpecInput) {
  const { spec, process, user, capabilities } = input;
  const ofProcess = user.uid === 0 ? capabilities : [];
  return {
    terminal: spec.tty,
    ...(spec.tty && spec.terminalSize !== undefined
      ? { consoleSize: { height: spec.terminalSize.rows, width: spec.terminalSize.columns } }
      : {}),
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    args: input.initPath === undefined ? process.argv : [INIT, '--', ...process.argv],
    env: process.env.some((entry) => entry.startsWith('HOME=')) ? process.env : [...process.env, `HOME=${user.home}`],
    cwd: process.workingDir,
    capabilities: { bounding: capabilities, effective: ofProcess, permitted: ofProcess },
    noNewPrivileges: input.noNewPrivileges,
    ...(input.rlimits.length === 0 ? {} : { rlimits: input.rlimits }),
    ...(input.oomScoreAdj === undefined ? {} : { oomScoreAdj: input.oomScoreAdj }),
  };
}

function ownIpc({ spec, joined }: RuntimeSpecInput): boolean {
  return spec.extras?.ipcMode !== 'host' && joined.ipc === undefined;
}
