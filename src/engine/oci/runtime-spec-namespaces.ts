import type { SpecExtras } from '../port.ts';

/** Namespaces of another container's that this one has, too: files below /proc. */
export interface JoinedNamespaces {
  readonly pid?: string;
  readonly ipc?: string;
  /** The other one's /dev/shm, on the host. */
  readonly sharedMemory?: string;
}

export interface NamespacesInput {
  readonly extras: Pick<SpecExtras, 'pidMode' | 'ipcMode' | 'utsMode' | 'cgroupnsMode'>;
  /** undefined: the host's network. */
  readonly netnsPath: string | undefined;
  readonly joined: JoinedNamespaces;
  readonly cgroupVersion: 1 | 2;
}

/** linux.namespaces: what is not listed is the host's. Docker's defaults. */
export function taskNamespaces({ extras, netnsPath, joined, cgroupVersion }: NamespacesInput) {
  const { pidMode, ipcMode, utsMode, cgroupnsMode } = extras;
  const one = (type: string, mode: string | undefined, path?: string) =>
    mode === 'host' ? [] : [{ type, ...(path === undefined ? {} : { path }) }];
  return [
    ...one('pid', pidMode, joined.pid),
    ...one('ipc', ipcMode, joined.ipc),
    ...one('uts', utsMode),
    { type: 'mount' },
    ...(netnsPath === undefined ? [] : [{ type: 'network', path: netnsPath }]),
    ...one('cgroup', cgroupnsMode || (cgroupVersion === 2 ? 'private' : 'host')),
  ];
}

/** The container that `container:ID` names; undefined for other modes. */
export function containerOfMode(mode: string | undefined): string | undefined {
  return mode?.startsWith('container:') === true ? mode.slice('container:'.length) : undefined;
}
