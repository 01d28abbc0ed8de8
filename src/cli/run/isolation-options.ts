import type { Command } from 'commander';
import type { HostConfig } from '../../docker-api/types.ts';
import { collect } from '../commands/options.ts';
import { parseLabels } from '../parse/assignments.ts';

/** What of `run` and `container create` concerns how a container is kept apart, as commander gives it. */
export interface IsolationOptions {
  readonly privileged?: boolean;
  readonly readOnly?: boolean;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly securityOpt?: readonly string[];
  readonly groupAdd?: readonly string[];
  readonly sysctl?: readonly string[];
  readonly pid?: string;
  readonly ipc?: string;
  readonly uts?: string;
  readonly userns?: string;
  readonly cgroupns?: string;
  readonly cgroupParent?: string;
  readonly runtime?: string;
}

export function addIsolationOptions(command: Command): void {
  command
    .option('--privileged', 'with all capabilities and all devices of its node')
    .option('--read-only', 'its root file system can only be read')
    .option('--cap-add <capability>', 'with this capability', collect)
    .option('--cap-drop <capability>', 'without this capability', collect)
    .option('--security-opt <option>', 'seccomp=FILE, seccomp=unconfined, no-new-privileges …', collect)
    .option('--group-add <group>', 'one more group of its user', collect)
    .option('--sysctl <name=value>', 'a setting of the kernel for it alone', collect)
    .option('--pid <mode>', 'whose processes it sees: host, container:NAME')
    .option('--ipc <mode>', 'whose shared memory it has: private, shareable, none, host, container:NAME')
    .option('--uts <mode>', 'host: with the host name of its node')
    .option('--userns <mode>', 'host')
    .option('--cgroupns <mode>', 'host or private')
    .option('--cgroup-parent <path>', 'as Docker')
    .option('--runtime <runtime>', 'as Docker');
}

/** @param securityOpt with the files that it names read */
export function isolationHost(options: IsolationOptions, securityOpt: readonly string[]): HostConfig {
  const { privileged, readOnly, capAdd, capDrop, groupAdd, sysctl, pid, ipc, uts, userns, cgroupns, cgroupParent, runtime } = options;
  // Docker's client takes this one apart itself.
  const isBare = securityOpt.includes('systempaths=unconfined');
  const security = securityOpt.filter((option) => option !== 'systempaths=unconfined');
  return {
    ...(privileged === undefined ? {} : { Privileged: privileged }),
    ...(readOnly === undefined ? {} : { ReadonlyRootfs: readOnly }),
    ...(capAdd === undefined ? {} : { CapAdd: [...capAdd] }),
    ...(capDrop === undefined ? {} : { CapDrop: [...capDrop] }),
    ...(security.length === 0 ? {} : { SecurityOpt: security }),
    ...(isBare ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
    ...(groupAdd === undefined ? {} : { GroupAdd: [...groupAdd] }),
    ...(sysctl === undefined ? {} : { Sysctls: parseLabels(sysctl) }),
    ...(pid === undefined ? {} : { PidMode: pid }),
    ...(ipc === undefined ? {} : { IpcMode: ipc }),
    ...(uts === undefined ? {} : { UTSMode: uts }),
    ...(userns === undefined ? {} : { UsernsMode: userns }),
    ...(cgroupns === undefined ? {} : { CgroupnsMode: cgroupns }),
    ...(cgroupParent === undefined ? {} : { CgroupParent: cgroupParent }),
    ...(runtime === undefined ? {} : { Runtime: runtime }),
  };
}
