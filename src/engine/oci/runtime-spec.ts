import type { ContainerSpec } from '../port.ts';
import type { ContainerUser } from './container-user.ts';
import type { ProcessConfig } from './process-config.ts';
import type { OciSeccomp } from './seccomp.ts';

/** Everything that goes into one task's config.json. */
export interface RuntimeSpecInput {
  readonly spec: Pick<ContainerSpec, 'tty' | 'terminalSize' | 'readonlyRootfs' | 'nanoCpus' | 'memoryBytes' | 'pidsLimit'>;
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
  /** The host's init program, bound in and run as process 1. */
  readonly initPath: string | undefined;
}

/** The runtime spec's config.json, as far as we write it (opencontainers/runtime-spec 1.0.2). */
export type RuntimeSpec = ReturnType<typeof runtimeSpec>;

/** More processes than this is a fork bomb (ContainerSpec.pidsLimit 0). */
const DEFAULT_PIDS_LIMIT = 16_384;
const CPU_PERIOD_US = 100_000;
/** The kernel takes no smaller quota. */
const LEAST_QUOTA_US = 1_000;
const INIT = '/sbin/docker-init';

const MASKED = [
  ...['asound', 'acpi', 'kcore', 'keys', 'latency_stats', 'timer_list', 'timer_stats', 'sched_debug', 'scsi'].map(
    (name) => `/proc/${name}`,
  ),
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const READ_ONLY = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`);
/** null, zero, full, random, urandom, tty, console's multiplexer. */
const DEVICES = [
  [1, 3],
  [1, 5],
  [1, 7],
  [1, 8],
  [1, 9],
  [5, 0],
  [5, 2],
] as const;

/** Docker's container: its mounts, devices, masked paths and namespaces. Pure. */
export function runtimeSpec(input: RuntimeSpecInput) {
  const { spec, process, user, capabilities } = input;
  const ofProcess = user.uid === 0 ? capabilities : [];
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: spec.tty,
      ...(spec.tty && spec.terminalSize !== undefined
        ? { consoleSize: { height: spec.terminalSize.rows, width: spec.terminalSize.columns } }
        : {}),
      user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
      args: input.initPath === undefined ? process.argv : [INIT, '--', ...process.argv],
      env: process.env.some((entry) => entry.startsWith('HOME=')) ? process.env : [...process.env, `HOME=${user.home}`],
      cwd: process.workingDir,
      capabilities: { bounding: capabilities, effective: ofProcess, permitted: ofProcess },
      noNewPrivileges: false,
    },
    root: { path: input.rootfs, readonly: spec.readonlyRootfs },
    hostname: process.hostname,
    mounts: mounts(input),
    linux: {
      cgroupsPath: input.cgroupsPath,
      resources: resources(input),
      namespaces: [
        { type: 'pid' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'mount' },
        ...(input.netnsPath === undefined ? [] : [{ type: 'network', path: input.netnsPath }]),
        ...(input.cgroupVersion === 2 ? [{ type: 'cgroup' }] : []),
      ],
      ...(input.seccomp === undefined ? {} : { seccomp: input.seccomp }),
      maskedPaths: MASKED,
      readonlyPaths: READ_ONLY,
    },
  };
}

function mounts(input: RuntimeSpecInput) {
  const file = (name: string) => ({
    destination: `/etc/${name}`,
    type: 'bind',
    source: `${input.etc}/${name}`,
    options: ['rbind', 'rprivate'],
  });
  const init = { destination: INIT, type: 'bind', source: input.initPath, options: ['bind', 'ro'] };
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', 'nosuid', 'noexec', 'nodev'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'] },
    file('resolv.conf'),
    file('hostname'),
    file('hosts'),
    ...(input.initPath === undefined ? [] : [init]),
  ];
}

function resources(input: RuntimeSpecInput) {
  const { nanoCpus, memoryBytes, pidsLimit } = input.spec;
  const quota = Math.max(LEAST_QUOTA_US, Math.round((nanoCpus / 1e9) * CPU_PERIOD_US));
  // OCI's swap is memory and swap together: the same figure means no swap.
  const memory = { limit: memoryBytes, ...(input.swapLimit ? { swap: memoryBytes } : {}) };
  return {
    devices: [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', access: 'm' },
      { allow: true, type: 'b', access: 'm' },
      ...DEVICES.map(([major, minor]) => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
      { allow: true, type: 'c', major: 136, access: 'rwm' },
    ],
    ...(nanoCpus > 0 ? { cpu: { quota, period: CPU_PERIOD_US } } : {}),
    ...(memoryBytes > 0 ? { memory } : {}),
    pids: { limit: pidsLimit > 0 ? pidsLimit : DEFAULT_PIDS_LIMIT },
  };
}
