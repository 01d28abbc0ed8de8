import { ApiError } from '../http/api-error.ts';
import type { CreateBody } from './create-body.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Refused {
  readonly field: string;
  /** What it would be for, as the user named it. */
  readonly what: string;
  /** Whether the value asks for anything; default: it is not empty, zero, false or null. */
  readonly asks?: (value: unknown) => boolean;
}

const otherThan =
  (...harmless: readonly unknown[]) =>
  (value: unknown): boolean =>
    value !== undefined && value !== null && !harmless.includes(value);

/** Asked for and silently left out, each of these would make a container that is not what was meant. */
const HOST_FIELDS: readonly Refused[] = [
  { field: 'Binds', what: 'bind mounts and volumes (-v)' },
  { field: 'Mounts', what: 'mounts (--mount)' },
  { field: 'Tmpfs', what: 'tmpfs mounts (--tmpfs)' },
  { field: 'VolumesFrom', what: 'volumes of other containers (--volumes-from)' },
  { field: 'Links', what: 'links (--link)' },
  { field: 'Privileged', what: 'privileged containers (--privileged)' },
  { field: 'Devices', what: 'devices (--device)' },
  { field: 'DeviceRequests', what: 'device requests (--gpus)' },
  { field: 'DeviceCgroupRules', what: 'device rules (--device-cgroup-rule)' },
  { field: 'CpuQuota', what: 'a CPU quota (--cpu-quota); use --cpus', asks: otherThan(0, -1) },
  { field: 'CpuShares', what: 'CPU shares (--cpu-shares); use --cpus', asks: otherThan(0, 1024) },
  { field: 'CpuRealtimePeriod', what: 'real-time scheduling' },
  { field: 'CpuRealtimeRuntime', what: 'real-time scheduling' },
  { field: 'CpusetCpus', what: 'CPU sets (--cpuset-cpus)' },
  { field: 'CpusetMems', what: 'memory node sets (--cpuset-mems)' },
  { field: 'BlkioWeight', what: 'block IO weights (--blkio-weight)' },
  { field: 'OomKillDisable', what: 'switching the OOM killer off (--oom-kill-disable)' },
  { field: 'PidMode', what: 'shared process namespaces (--pid)', asks: otherThan('', 'private') },
  { field: 'IpcMode', what: 'shared IPC namespaces (--ipc)', asks: otherThan('', 'private', 'shareable') },
  { field: 'UTSMode', what: 'the host’s UTS namespace (--uts)', asks: otherThan('', 'private') },
  { field: 'UsernsMode', what: 'user namespaces (--userns)', asks: otherThan('', 'private', 'host') },
  { field: 'CgroupnsMode', what: 'the host’s cgroup namespace (--cgroupns)', asks: otherThan('', 'private') },
  { field: 'CgroupParent', what: 'cgroup parents (--cgroup-parent)' },
  { field: 'SecurityOpt', what: 'security options (--security-opt)' },
  { field: 'MaskedPaths', what: 'other masked paths', asks: otherThan() },
  { field: 'ReadonlyPaths', what: 'other read-only paths', asks: otherThan() },
  { field: 'Ulimits', what: 'ulimits (--ulimit)' },
  { field: 'Sysctls', what: 'sysctls (--sysctl)' },
  { field: 'GroupAdd', what: 'additional groups (--group-add)' },
  { field: 'ShmSize', what: 'another size of /dev/shm (--shm-size)', asks: otherThan(0, 64 * 1024 * 1024) },
  { field: 'StorageOpt', what: 'storage options (--storage-opt)' },
  { field: 'Runtime', what: 'other runtimes (--runtime)', asks: otherThan('', 'runc', 'crun', 'io.containerd.runc.v2') },
];

const CONFIG_FIELDS: readonly Refused[] = [{ field: 'Volumes', what: 'volumes (-v)' }];

const LOG_DRIVERS = ['', 'json-file', 'k8s-file', 'local'];
const IGNORED_WITH_WARNING: readonly { readonly field: string; readonly warning: string }[] = [
  { field: 'MemoryReservation', warning: 'Memory reservation (--memory-reservation) is ignored: the memory limit is what is reserved.' },
  { field: 'OomScoreAdj', warning: 'OOM score (--oom-score-adj) is ignored.' },
];

/**
 * What a body asks for and this version does not have.
 * @returns warnings about what is left out without harm. @throws ApiError 501, naming field and value
 */
export function refuseUnsupported(body: CreateBody): string[] {
  const host = (body.HostConfig ?? {}) as Fields;
  for (const refused of CONFIG_FIELDS) refuse(body, refused, '');
  for (const refused of HOST_FIELDS) refuse(host, refused, 'HostConfig.');
  const driver = (host['LogConfig'] as { Type?: unknown } | null | undefined)?.Type ?? '';
  if (typeof driver !== 'string' || !LOG_DRIVERS.includes(driver)) {
    throw new ApiError(
      501,
      `Caravela does not have the log driver ${JSON.stringify(driver)} (HostConfig.LogConfig.Type); leave --log-driver out`,
    );
  }
  const warnings = IGNORED_WITH_WARNING.filter(({ field }) => isSet(host[field])).map(({ warning }) => warning);
  const test = (body.Healthcheck as { Test?: unknown } | null | undefined)?.Test;
  if (Array.isArray(test) && test.length > 0 && test[0] !== 'NONE') {
    warnings.push('Health checks (--health-cmd) are not run: this container will show no health.');
  }
  return warnings;
}

function refuse(fields: Fields, { field, what, asks = isSet }: Refused, prefix: string): void {
  const value = fields[field];
  if (!asks(value)) return;
  throw new ApiError(501, `Caravela does not have ${what} yet: ${prefix}${field} was ${JSON.stringify(value).slice(0, 120)}`);
}

/** Docker's clients send empty values for what was not asked. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
