import type { CgroupTrees } from '../../linux/cgroup.ts';
import type { ContainerId } from '../../core/model/index.ts';
import type { Runtimes } from './choose-runtime.ts';
import type { EnginePaths } from './engine-paths.ts';
import type { EngineLog } from './engine-log.ts';
import type { SeccompProfile } from './seccomp.ts';
import type { OciVolumes } from './volumes/oci-volumes.ts';

/** What the engine found out about this host, once, when it was made, and what it has on it. */
export interface Host {
  readonly paths: EnginePaths;
  readonly trees: CgroupTrees;
  /** `/caravela-<node's short id>`: each container has the group `<id>` below it, conmons share `conmon`. */
  readonly cgroupParent: string;
  readonly runtimes: Runtimes;
  readonly conmonPath: string;
  readonly seccomp: SeccompProfile | undefined;
  readonly ownCapabilities: ReadonlySet<string>;
  readonly swapLimit: boolean;
  readonly bootId: string;
  readonly volumes: OciVolumes;
  readonly log: EngineLog;
}

export const cgroupOf = (host: Pick<Host, 'cgroupParent'>, id: ContainerId): string => `${host.cgroupParent}/${id}`;
