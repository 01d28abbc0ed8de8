import type { ContainerLimits } from '../../port.ts';

/** One file of a control group and what to write into it. */
export interface LimitWrite {
  readonly controller: 'cpu' | 'cpuset' | 'memory' | 'pids';
  readonly file: string;
  readonly value: string;
}

/** What of the runtime spec's `linux.resources` limits CPU, memory and processes, as it would be at a start with the limits. */
export interface Resources {
  readonly cpu?: {
    readonly shares?: number;
    readonly quota?: number;
    readonly period?: number;
    readonly cpus?: string;
    readonly mems?: string;
  };
  /** `swap`: memory and swap together; -1: no limit. */
  readonly memory?: { readonly limit?: number; readonly swap?: number; readonly reservation?: number };
  readonly pids: { readonly limit: number };
}

interface Given {
  /** What changes. */
  readonly limits: ContainerLimits;
  readonly resources: Resources;
  /** Whether the kernel limits swap. */
  readonly swap: boolean;
}

/** The kernel's own. */
const DEFAULTS = { periodUs: 100_000, shares: 1_024, weight: 100 };

/**
 * The files that an update changes, in an order that the kernel takes: on v1 memory alone is never above memory and
 * swap together. Says the same as the runtime does at a start. Pure.
 * @param memoryNow v1's memory limit now; Infinity: none
 */
export function limitWrites(version: 1 | 2, memoryNow: number, given: Given): LimitWrite[] {
  const { cpusetCpus, cpusetMems, pidsLimit } = given.limits;
  return [
    ...(version === 1 ? cpuV1(given) : cpuV2(given)),
    ...write('cpuset', 'cpuset.cpus', cpusetCpus),
    ...write('cpuset', 'cpuset.mems', cpusetMems),
    ...(version === 1 ? memoryV1(given, memoryNow) : memoryV2(given)),
    ...write('pids', 'pids.max', pidsLimit === undefined ? undefined : pidsText(given.resources.pids.limit)),
  ];
}

const write = (controller: LimitWrite['controller'], file: string, value: string | number | undefined): LimitWrite[] =>
  value === undefined || value === '' ? [] : [{ controller, file, value: String(value) }];

const pidsText = (limit: number): string => (limit < 0 ? 'max' : String(limit));

const changesBandwidth = ({ nanoCpus, cpuQuota, cpuPeriod }: ContainerLimits): boolean =>
  nanoCpus !== undefined || cpuQuota !== undefined || cpuPeriod !== undefined;

function cpuV1({ limits, resources: { cpu = {} } }: Given): LimitWrite[] {
  return [
    ...(changesBandwidth(limits)
      ? [...write('cpu', 'cpu.cfs_period_us', cpu.period ?? DEFAULTS.periodUs), ...write('cpu', 'cpu.cfs_quota_us', cpu.quota ?? -1)]
      : []),
    ...write('cpu', 'cpu.shares', limits.cpuShares === undefined ? undefined : (cpu.shares ?? DEFAULTS.shares)),
  ];
}

function cpuV2({ limits, resources: { cpu = {} } }: Given): LimitWrite[] {
  const { quota = -1, period = DEFAULTS.periodUs, shares } = cpu;
  return [
    ...write('cpu', 'cpu.max', changesBandwidth(limits) ? `${quota > 0 ? quota : 'max'} ${period}` : undefined),
    ...write('cpu', 'cpu.weight', limits.cpuShares === undefined ? undefined : shares === undefined ? DEFAULTS.weight : weightOf(shares)),
  ];
}

/** As the runtimes translate v1's shares, 2 to 262144, into v2's weight, 1 to 10000. */
const weightOf = (shares: number): number => Math.floor(1 + ((shares - 2) * 9_999) / 262_142);

/** Bytes, without and with swap; Infinity: no limit. */
function memoryLimits({ memory = {} }: Resources): { readonly alone: number; readonly together: number } {
  const { limit = Infinity, swap = -1 } = memory;
  return { alone: limit, together: swap < 0 ? Infinity : swap };
}

const changesMemory = ({ memoryBytes, memorySwapBytes }: ContainerLimits): boolean =>
  memoryBytes !== undefined || memorySwapBytes !== undefined;

function memoryV1({ limits, resources, swap }: Given, memoryNow: number): LimitWrite[] {
  const { alone, together } = memoryLimits(resources);
  const bytes = (value: number): number => (value === Infinity ? -1 : value);
  const first = write('memory', 'memory.limit_in_bytes', bytes(alone));
  const both = swap ? write('memory', 'memory.memsw.limit_in_bytes', bytes(together)) : [];
  const reservation = limits.memoryReservationBytes === undefined ? undefined : (resources.memory?.reservation ?? -1);
  return [
    ...(changesMemory(limits) ? (alone > memoryNow ? [...both, ...first] : [...first, ...both]) : []),
    ...write('memory', 'memory.soft_limit_in_bytes', reservation),
  ];
}

function memoryV2({ limits, resources, swap }: Given): LimitWrite[] {
  const { alone, together } = memoryLimits(resources);
  const bytes = (value: number): number | 'max' => (value === Infinity ? 'max' : value);
  const swapAlone = together === Infinity ? Infinity : together - alone;
  return [
    ...(changesMemory(limits)
      ? [...write('memory', 'memory.max', bytes(alone)), ...(swap ? write('memory', 'memory.swap.max', bytes(swapAlone)) : [])]
      : []),
    ...write('memory', 'memory.low', limits.memoryReservationBytes === undefined ? undefined : (resources.memory?.reservation ?? 0)),
  ];
}
