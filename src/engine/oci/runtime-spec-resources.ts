import { EngineError, type ContainerSpec } from '../port.ts';
import type { DeviceRule } from './runtime-spec-devices.ts';

export interface ResourcesInput {
  readonly spec: Pick<ContainerSpec, 'nanoCpus' | 'memoryBytes' | 'pidsLimit' | 'extras'>;
  readonly cgroupVersion: 1 | 2;
  /** False on a v1 kernel that doesn't account swap: a swap limit would then fail the start. */
  readonly swapLimit: boolean;
}

/** More processes than this is a fork bomb (ContainerSpec.pidsLimit 0). */
const DEFAULT_PIDS_LIMIT = 16_384;
const CPU_PERIOD_US = 100_000;
/** The kernel takes no smaller quota. */
const LEAST_QUOTA_US = 1_000;

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

/** linux.resources of a new container; `devices` are allowed besides those that every container has. */
export function taskResources(input: ResourcesInput, devices: readonly DeviceRule[]) {
  return {
    devices: input.spec.extras?.privileged === true ? [{ allow: true, access: 'rwm' }] : deviceRules(input, devices),
    ...limits(input),
  };
}

/** linux.resources without devices, which an update leaves alone. What is not limited is left out. */
export function limits(input: ResourcesInput) {
  const cpu = cpuLimits(input.spec);
  const memory = memoryLimits(input);
  const { pidsLimit } = input.spec;
  return {
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    pids: { limit: pidsLimit === 0 ? DEFAULT_PIDS_LIMIT : pidsLimit },
  };
}

function deviceRules({ spec }: ResourcesInput, devices: readonly DeviceRule[]) {
  return [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', access: 'm' },
    { allow: true, type: 'b', access: 'm' },
    ...DEVICES.map(([major, minor]) => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
    { allow: true, type: 'c', major: 136, access: 'rwm' },
    ...devices,
    ...(spec.extras?.deviceCgroupRules ?? []).map(parseDeviceRule),
  ];
}

/** `c 1:3 mr`: the kernel's own form. A number left out is any. @throws EngineError */
export function parseDeviceRule(rule: string): DeviceRule {
  const [, type, major, minor, access] = /^([acb]) (\d{1,8}|\*):(\d{1,8}|\*) ([rwm]{1,3})$/.exec(rule) ?? [];
  if (type === undefined || access === undefined) {
    throw new EngineError('engine-failed', `invalid device cgroup format: '${rule}' (write it as 'c 1:3 rwm')`);
  }
  const number = (name: 'major' | 'minor', text: string | undefined) => (text === '*' ? {} : { [name]: Number(text) });
  return { allow: true, type, ...number('major', major), ...number('minor', minor), access };
}

function cpuLimits({ nanoCpus, extras = {} }: ResourcesInput['spec']) {
  const { cpuShares, cpuQuota, cpuPeriod, cpusetCpus, cpusetMems } = extras;
  const quota = Math.max(LEAST_QUOTA_US, Math.round((nanoCpus / 1e9) * CPU_PERIOD_US));
  return {
    ...(isSet(cpuShares) ? { shares: cpuShares } : {}),
    ...(nanoCpus > 0 ? { quota, period: CPU_PERIOD_US } : {}),
    ...(nanoCpus === 0 && isSet(cpuQuota) ? { quota: cpuQuota } : {}),
    ...(nanoCpus === 0 && isSet(cpuPeriod) ? { period: cpuPeriod } : {}),
    ...(isSet(cpusetCpus) ? { cpus: cpusetCpus } : {}),
    ...(isSet(cpusetMems) ? { mems: cpusetMems } : {}),
  };
}

function memoryLimits({ spec, swapLimit, cgroupVersion }: ResourcesInput) {
  const { memoryBytes, extras = {} } = spec;
  const { memorySwapBytes, memoryReservationBytes, oomKillDisable } = extras;
  // OCI's swap is memory and swap together; as much swap as memory is Docker's default.
  const swap = isSet(memorySwapBytes) ? memorySwapBytes : 2 * memoryBytes;
  return {
    ...(memoryBytes > 0 ? { limit: memoryBytes } : {}),
    ...(memoryBytes > 0 && swapLimit ? { swap } : {}),
    ...(isSet(memoryReservationBytes) ? { reservation: memoryReservationBytes } : {}),
    // v2 knows no such thing.
    ...(oomKillDisable === true && cgroupVersion === 1 ? { disableOOMKiller: true } : {}),
  };
}

/** Docker's 0 and '' say nothing. */
function isSet<T extends number | string>(value: T | undefined): value is T {
  return value !== undefined && value !== 0 && value !== '';
}
