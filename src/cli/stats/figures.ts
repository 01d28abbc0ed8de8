import type { StatsSample } from '../../docker-api/types.ts';

/** What `stats` shows of a container at one moment. Bytes, and shares in percent. */
export interface Figures {
  readonly cpuPercent: number;
  readonly memoryUsed: number;
  readonly memoryLimit: number;
  readonly memoryPercent: number;
  readonly received: number;
  readonly sent: number;
  readonly read: number;
  readonly written: number;
  readonly processes: number;
}

/** Docker's sums (docs.docker.com/engine/api, Get container stats based on resource usage): 100 % CPU is one whole CPU. */
export function figuresOf(sample: StatsSample): Figures {
  const { memory_stats: memory } = sample;
  const limit = memory.limit ?? 0;
  const used = memoryUsed(sample);
  const networks = Object.values(sample.networks ?? {});
  return {
    cpuPercent: cpuPercent(sample),
    memoryUsed: used,
    memoryLimit: limit,
    memoryPercent: limit > 0 ? (used / limit) * 100 : 0,
    received: sum(networks.map(({ rx_bytes }) => rx_bytes)),
    sent: sum(networks.map(({ tx_bytes }) => tx_bytes)),
    read: blockBytes(sample, 'read'),
    written: blockBytes(sample, 'write'),
    processes: sample.pids_stats.current ?? 0,
  };
}

/** Of a container that does not run. */
export const isEmpty = ({ read }: StatsSample): boolean => read.startsWith('0001-');

function cpuPercent({ cpu_stats: now, precpu_stats: before }: StatsSample): number {
  const used = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const passed = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const cpus = now.online_cpus ?? now.cpu_usage.percpu_usage?.length ?? 1;
  return used > 0 && passed > 0 ? (used / passed) * cpus * 100 : 0;
}

/** Without what the kernel would give back at once; the two generations of control groups call that otherwise. */
function memoryUsed({ memory_stats: { usage = 0, stats = {} } }: StatsSample): number {
  const cached = stats.total_inactive_file ?? stats.inactive_file ?? 0;
  return cached < usage ? usage - cached : usage;
}

function blockBytes({ blkio_stats }: StatsSample, op: 'read' | 'write'): number {
  const entries = blkio_stats.io_service_bytes_recursive ?? [];
  return sum(entries.filter((entry) => entry.op.toLowerCase() === op).map(({ value }) => value));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
