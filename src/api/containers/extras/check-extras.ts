import type { SpecExtras } from '../../../engine/port.ts';
import { ApiError } from '../../http/api-error.ts';
import { API_LIMITS } from '../../limits.ts';
import type { CreateBody } from '../create-body.ts';
import { checkHealth } from './check-health.ts';
import type { LimitFields } from './check-limits.ts';

type Host = NonNullable<CreateBody['HostConfig']>;
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const ULIMITS = 'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' ');
/** Settings that the kernel keeps apart for each container: the rest are the host's. */
const OWN_SYSCTL = /^(net\.|fs\.mqueue\.|kernel\.(msg(max|mnb|mni)|sem|shm(all|max|mni|_rmid_forced)|domainname)$)/;
const DEVICE_RULE = /^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/;
const NUL = /\0/;

/** What of the rarer options a body asks for; what is Docker's default is left out. @throws ApiError 400: Docker's words where it has some */
export function checkExtras(body: CreateBody): SpecExtras {
  const host = body.HostConfig ?? {};
  const extras: Writable<SpecExtras> = { ...limitsOf(host), ...namespacesOf(host), ...devicesOf(host) };
  const { OomScoreAdj, ShmSize, GroupAdd, SecurityOpt, MaskedPaths, ReadonlyPaths } = host;
  const oomScoreAdj = OomScoreAdj ?? 0;
  if (oomScoreAdj < -1000 || oomScoreAdj > 1000) {
    throw new ApiError(400, `Invalid value ${oomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  if ((ShmSize ?? 0) < 0) throw new ApiError(400, `SHM size can not be less than 0, got ${ShmSize}`);
  if (oomScoreAdj !== 0) extras.oomScoreAdj = oomScoreAdj;
  if ((ShmSize ?? 0) > 0) extras.shmBytes = ShmSize ?? 0;
  if (host.Privileged === true) extras.privileged = true;
  if (host.OomKillDisable === true) extras.oomKillDisable = true;
  if (notEmpty(GroupAdd)) extras.groupAdd = plain(GroupAdd, 'GroupAdd');
  if (notEmpty(SecurityOpt)) extras.securityOptions = plain(SecurityOpt, 'SecurityOpt');
  // An empty list is none at all; null is Docker's own.
  if (MaskedPaths !== null && MaskedPaths !== undefined) extras.maskedPaths = plain(MaskedPaths, 'MaskedPaths');
  if (ReadonlyPaths !== null && ReadonlyPaths !== undefined) extras.readonlyPaths = plain(ReadonlyPaths, 'ReadonlyPaths');
  const healthcheck = checkHealth(body.Healthcheck);
  if (healthcheck !== undefined) extras.healthcheck = healthcheck;
  return extras;
}

/** The limits among them, as create and update have them. */
export function limitsOf(host: LimitFields): SpecExtras {
  const { CpuShares, CpuQuota, CpuPeriod, CpusetCpus, CpusetMems, MemorySwap, MemoryReservation } = host;
  return {
    ...((CpuShares ?? 0) > 0 ? { cpuShares: CpuShares ?? 0 } : {}),
    // −1 says that there is none from now on.
    ...((CpuQuota ?? 0) === 0 ? {} : { cpuQuota: CpuQuota ?? 0 }),
    ...((CpuPeriod ?? 0) > 0 ? { cpuPeriod: CpuPeriod ?? 0 } : {}),
    ...((CpusetCpus ?? '') === '' ? {} : { cpusetCpus: CpusetCpus ?? '' }),
    ...((CpusetMems ?? '') === '' ? {} : { cpusetMems: CpusetMems ?? '' }),
    ...((MemorySwap ?? 0) === 0 ? {} : { memorySwapBytes: MemorySwap ?? 0 }),
    ...((MemoryReservation ?? 0) > 0 ? { memoryReservationBytes: MemoryReservation ?? 0 } : {}),
  };
}

function namespacesOf({ PidMode, IpcMode, UTSMode, CgroupnsMode, Ulimits, Sysctls }: Host): SpecExtras {
  const pidMode = modeOf('PID', PidMode, ['host', 'private'], true);
  const ipcMode = modeOf('IPC', IpcMode, ['none', 'host', 'private', 'shareable'], true);
  const utsMode = modeOf('UTS', UTSMode, ['host', 'private'], false);
  const cgroupnsMode = modeOf('cgroup namespace', CgroupnsMode, ['host', 'private'], false);
  return {
    ...(pidMode === '' ? {} : { pidMode }),
    ...(ipcMode === '' ? {} : { ipcMode }),
    ...(utsMode === '' ? {} : { utsMode }),
    ...(cgroupnsMode === '' ? {} : { cgroupnsMode }),
    ...(notEmpty(Ulimits) ? { ulimits: ulimitsOf(Ulimits) } : {}),
    ...(Object.keys(Sysctls ?? {}).length > 0 ? { sysctls: sysctlsOf(Sysctls ?? {}) } : {}),
  };
}

/** Another container's is looked up where the networks are. */
function modeOf(what: string, mode: string | undefined, known: readonly string[], mayBeOfContainer: boolean): string {
  if (mode === undefined || mode === '' || known.includes(mode)) return mode ?? '';
  if (mayBeOfContainer && /^container:[^\0]+$/.test(mode)) return mode;
  throw new ApiError(400, `invalid ${what} mode: ${mode.slice(0, 80)}`);
}

/** Words as they stand in front of a container's name. */
export const CONTAINER_MODE = 'container:';

function ulimitsOf(ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[]) {
  return ulimits.map(({ Name: name, Soft: soft, Hard: hard }) => {
    if (!ULIMITS.includes(name)) throw new ApiError(400, `invalid ulimit type: ${name.slice(0, 80)}`);
    if (hard !== -1 && (soft === -1 || soft > hard)) {
      throw new ApiError(400, `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
    }
    return { name, soft, hard };
  });
}

function sysctlsOf(sysctls: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const bad = Object.keys(sysctls).find((name) => !OWN_SYSCTL.test(name) || /[/\0]|\.\./.test(name));
  if (bad !== undefined) throw new ApiError(400, `sysctl ${JSON.stringify(bad.slice(0, 80))} is not in a separate kernel namespace`);
  return sysctls;
}

function devicesOf({ Devices, DeviceCgroupRules }: Host): SpecExtras {
  const devices = (Devices ?? []).map(({ PathOnHost: hostPath, PathInContainer, CgroupPermissions }) => {
    const containerPath = (PathInContainer ?? '') === '' ? hostPath : (PathInContainer ?? '');
    const permissions = (CgroupPermissions ?? '') === '' ? 'rwm' : (CgroupPermissions ?? '');
    if (!hostPath.startsWith('/') || !containerPath.startsWith('/') || NUL.test(hostPath + containerPath)) {
      throw new ApiError(
        400,
        `invalid device: ${JSON.stringify(`${hostPath}:${containerPath}`.slice(0, 120))} is no pair of absolute paths`,
      );
    }
    if (!/^[rwm]{1,3}$/.test(permissions)) throw new ApiError(400, `invalid device mode: ${permissions.slice(0, 40)} is not of r, w and m`);
    return { hostPath, containerPath, permissions };
  });
  const rules = DeviceCgroupRules ?? [];
  const bad = rules.find((rule) => !DEVICE_RULE.test(rule));
  if (bad !== undefined) throw new ApiError(400, `invalid device cgroup rule format: '${bad.slice(0, 80)}'`);
  if (rules.length > API_LIMITS.devices)
    throw new ApiError(400, `a container may have ${API_LIMITS.devices} device rules, got ${rules.length}`);
  return { ...(devices.length > 0 ? { devices } : {}), ...(rules.length > 0 ? { deviceCgroupRules: rules } : {}) };
}

function plain(list: readonly string[], field: string): readonly string[] {
  const bad = list.find((word) => NUL.test(word));
  if (bad !== undefined) throw new ApiError(400, `HostConfig.${field} can't hold a NUL byte, got ${JSON.stringify(bad.slice(0, 80))}`);
  return list;
}

const notEmpty = <T>(list: readonly T[] | null | undefined): list is readonly T[] => list !== null && list !== undefined && list.length > 0;
