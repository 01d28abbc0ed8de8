import { assertNever } from '../../lib/assert.ts';
import type { ContainerSpec, MountWish } from '../port.ts';
import { inOrder } from './mounts/host-mounts.ts';

/** The runtime spec's mounts. */
export interface RuntimeMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface MountsInput {
  readonly spec: Pick<ContainerSpec, 'extras' | 'readonlyRootfs'>;
  /** What the container is to have besides what every one has. */
  readonly mounts: readonly MountWish[];
  readonly volumePath: (name: string) => string;
  /** A directory with hosts, hostname and resolv.conf. */
  readonly etc: string;
  /** The host's init program. */
  readonly initPath: string | undefined;
  /** A directory of the host's for /dev/shm; undefined: its own. */
  readonly sharedMemory: string | undefined;
}

export const INIT = '/sbin/docker-init';
const SHM_BYTES = 64 * 1024 * 1024;

/** What every container has, and what this one asked for, which may take the place of any of those. */
export function taskMounts(input: MountsInput): RuntimeMount[] {
  const asked = inOrder(input.mounts).map((wish) => askedMount(wish, input.volumePath));
  const taken = new Set(asked.map(({ destination }) => destination));
  const always = [...kernelMounts(input)].filter(({ destination }) => !taken.has(destination));
  const files = fileMounts(input).filter(({ destination }) => !taken.has(destination));
  // A directory that was asked for must not cover the files that lie in it.
  return [...always, ...inOrder([...asked, ...files].map((mount) => ({ ...mount, target: mount.destination }))).map(withoutTarget)];
}

/** How the container's root is to stand to the host's mounts; undefined: apart. */
export function rootPropagation(mounts: readonly MountWish[]): 'shared' | 'slave' | undefined {
  const kinds = mounts.flatMap((wish) => (wish.kind === 'bind' ? [wish.propagation] : []));
  if (kinds.some((kind) => kind.endsWith('shared'))) return 'shared';
  return kinds.some((kind) => kind.endsWith('slave')) ? 'slave' : undefined;
}

function withoutTarget({ target, ...mount }: RuntimeMount & { readonly target: string }): RuntimeMount {
  void target;
  return mount;
}

function kernelMounts({ spec, sharedMemory }: MountsInput): RuntimeMount[] {
  const { extras = {} } = spec;
  const readOnly = extras.privileged === true ? [] : ['ro'];
  const shmBytes = extras.shmBytes === undefined || extras.shmBytes === 0 ? SHM_BYTES : extras.shmBytes;
  const shm = {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${Math.ceil(shmBytes / 1024)}k`],
  };
  const bind = (destination: string, source: string) => ({
    destination,
    type: 'bind',
    source,
    options: ['rbind', 'rprivate', 'nosuid', 'noexec', 'nodev'],
  });
  const ofHost = extras.ipcMode === 'host';
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', ...readOnly] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...readOnly, 'nosuid', 'noexec', 'nodev'] },
    // Shows the queues of whatever IPC namespace it is in, the host's too, of which not every host has a mount.
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    ...(ofHost ? [bind('/dev/shm', '/dev/shm')] : sharedMemory !== undefined ? [bind('/dev/shm', sharedMemory)] : []),
    ...(ofHost || sharedMemory !== undefined || extras.ipcMode === 'none' ? [] : [shm]),
  ];
}

function fileMounts({ spec, etc, initPath }: MountsInput): RuntimeMount[] {
  const file = (name: string): RuntimeMount => ({
    destination: `/etc/${name}`,
    type: 'bind',
    source: `${etc}/${name}`,
    options: ['rbind', ...(spec.readonlyRootfs ? ['ro'] : []), 'rprivate'],
  });
  const init = initPath === undefined ? [] : [{ destination: INIT, type: 'bind', source: initPath, options: ['bind', 'ro'] }];
  return [file('resolv.conf'), file('hostname'), file('hosts'), ...init];
}

function askedMount(wish: MountWish, volumePath: (name: string) => string): RuntimeMount {
  const access = wish.readOnly ? 'ro' : 'rw';
  switch (wish.kind) {
    case 'bind':
      return {
        destination: wish.target,
        type: 'bind',
        source: wish.source,
        options: [wish.nonRecursive === true ? 'bind' : 'rbind', access, wish.propagation],
      };
    case 'volume':
      return { destination: wish.target, type: 'bind', source: volumePath(wish.name), options: ['rbind', access, 'rprivate'] };
    case 'tmpfs':
      return { destination: wish.target, type: 'tmpfs', source: 'tmpfs', options: tmpfsOptions(wish) };
    default:
      return assertNever(wish);
  }
}

/** Docker's defaults, each given way to its opposite where that was asked for. */
function tmpfsOptions({ sizeBytes, mode, options, readOnly }: MountWish & { kind: 'tmpfs' }): string[] {
  const names = new Set(options.map((option) => option.split('=', 1)[0]));
  const unlessAsked = (option: string, ...names_: string[]): string[] => (names_.some((name) => names.has(name)) ? [] : [option]);
  return [
    ...unlessAsked('noexec', 'noexec', 'exec'),
    ...unlessAsked('nosuid', 'nosuid', 'suid'),
    ...unlessAsked('nodev', 'nodev', 'dev'),
    ...(readOnly ? unlessAsked('ro', 'ro', 'rw') : []),
    ...(sizeBytes > 0 ? unlessAsked(`size=${sizeBytes}`, 'size') : []),
    ...unlessAsked(`mode=${mode.toString(8)}`, 'mode'),
    ...options.filter((option) => option !== ''),
  ];
}
