import type { BlockIoEntry, CpuStats, NetworkStats, StatsSample } from '../../../docker-api/types.ts';
import type { ContainerStats } from '../../../engine/port.ts';
import { NEVER } from '../status.ts';

/** What is measured, and when. */
export interface Measured {
  readonly atMs: number;
  /** undefined: the container does not run. */
  readonly stats: ContainerStats | undefined;
}

export interface SampleOptions {
  readonly id: string;
  readonly name: string;
  /** In which the names of operations and some keys differ. */
  readonly cgroupVersion: 1 | 2;
}

/** One moment as Docker's clients read it, with the CPU's figures of the moment before: shares are between the two. */
export function statsSample(now: Measured, before: Measured | undefined, { id, name, cgroupVersion }: SampleOptions): StatsSample {
  const { stats } = now;
  return {
    read: stats === undefined ? NEVER : timeOf(now),
    preread: before?.stats === undefined ? NEVER : timeOf(before),
    pids_stats: stats === undefined ? {} : { current: stats.pids.current, ...(stats.pids.limit > 0 ? { limit: stats.pids.limit } : {}) },
    blkio_stats: {
      io_service_bytes_recursive: stats === undefined ? null : blockIo(stats, cgroupVersion, 'bytes'),
      io_serviced_recursive: stats === undefined || cgroupVersion === 2 ? null : blockIo(stats, cgroupVersion, 'count'),
    },
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpuOf(stats),
    precpu_stats: cpuOf(before?.stats),
    memory_stats: stats === undefined ? {} : { usage: stats.memory.usage, stats: { ...stats.memory.details }, limit: stats.memory.limit },
    name: `/${name}`,
    id,
    ...networksOf(stats),
  };
}

const timeOf = ({ atMs }: Measured): string => new Date(atMs).toISOString();

function cpuOf(stats: ContainerStats | undefined): CpuStats {
  if (stats === undefined) {
    return {
      cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
      throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
    };
  }
  const { usageNs, perCpuNs, userNs, kernelNs, periods, throttledPeriods, throttledNs, systemNs, onlineCpus } = stats.cpu;
  return {
    cpu_usage: {
      total_usage: usageNs,
      // Older clients count the CPUs by it.
      ...(perCpuNs === undefined ? {} : { percpu_usage: [...perCpuNs] }),
      usage_in_kernelmode: kernelNs,
      usage_in_usermode: userNs,
    },
    system_cpu_usage: systemNs,
    online_cpus: onlineCpus,
    throttling_data: { periods, throttled_periods: throttledPeriods, throttled_time: throttledNs },
  };
}

function blockIo({ blockIo: devices }: ContainerStats, cgroupVersion: 1 | 2, what: 'bytes' | 'count'): BlockIoEntry[] {
  const [read, write] = cgroupVersion === 1 ? ['Read', 'Write'] : ['read', 'write'];
  return devices.flatMap(({ major, minor, readBytes, writtenBytes, reads, writes }) => [
    { major, minor, op: read ?? '', value: what === 'bytes' ? readBytes : reads },
    { major, minor, op: write ?? '', value: what === 'bytes' ? writtenBytes : writes },
  ]);
}

function networksOf(stats: ContainerStats | undefined): Pick<StatsSample, 'networks'> {
  const names = Object.entries(stats?.networks ?? {});
  if (names.length === 0) return {};
  const networks = names.map(([name, net]): [string, NetworkStats] => [
    name,
    {
      rx_bytes: net.rxBytes,
      rx_packets: net.rxPackets,
      rx_errors: net.rxErrors,
      rx_dropped: net.rxDropped,
      tx_bytes: net.txBytes,
      tx_packets: net.txPackets,
      tx_errors: net.txErrors,
      tx_dropped: net.txDropped,
    },
  ]);
  return { networks: Object.fromEntries(networks) };
}
