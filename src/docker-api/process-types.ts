/** Processes in containers, and what they use (Engine API 1.41: ContainerExec, ExecStart, ExecInspect, ContainerTop, ContainerStats, ContainerUpdate). */
import type { HostConfig, RestartPolicy } from './container-request.ts';

/** Body of POST /containers/{id}/exec. */
export interface ExecCreateBody {
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  DetachKeys?: string;
  Tty?: boolean;
  /** `KEY=value`. */
  Env?: string[] | null;
  Cmd: string[];
  Privileged?: boolean;
  /** `user[:group]`. */
  User?: string;
  WorkingDir?: string;
  /** Rows and columns; from 1.42 on. */
  ConsoleSize?: [number, number] | null;
}

export interface ExecCreated {
  Id: string;
}

/** Body of POST /exec/{id}/start. */
export interface ExecStartBody {
  Detach?: boolean;
  Tty?: boolean;
  ConsoleSize?: [number, number] | null;
}

/** GET /exec/{id}/json. */
export interface ExecInspect {
  ID: string;
  ContainerID: string;
  Running: boolean;
  /** null until it has ended. */
  ExitCode: number | null;
  ProcessConfig: { tty: boolean; entrypoint: string; arguments: string[]; privileged?: boolean; user?: string };
  OpenStdin: boolean;
  OpenStdout: boolean;
  OpenStderr: boolean;
  CanRemove: boolean;
  DetachKeys: string;
  Pid: number;
}

/** GET /containers/{id}/top. */
export interface TopAnswer {
  Titles: string[];
  Processes: string[][];
}

/** Of one moment; times in ns. */
export interface CpuStats {
  cpu_usage: { total_usage: number; usage_in_kernelmode: number; usage_in_usermode: number; percpu_usage?: number[] };
  /** Of all CPUs of the host; absent before the first moment. */
  system_cpu_usage?: number;
  online_cpus?: number;
  throttling_data: { periods: number; throttled_periods: number; throttled_time: number };
}

export interface BlockIoEntry {
  major: number;
  minor: number;
  /** `read`, `write`; capitals where the kernel's first control groups are. */
  op: string;
  value: number;
}

export interface NetworkStats {
  rx_bytes: number;
  rx_packets: number;
  rx_errors: number;
  rx_dropped: number;
  tx_bytes: number;
  tx_packets: number;
  tx_errors: number;
  tx_dropped: number;
}

/** One moment of GET /containers/{id}/stats; of a container that does not run `read` is year 1 and all is empty. */
export interface StatsSample {
  id: string;
  name: string;
  read: string;
  preread: string;
  num_procs: number;
  /** Of Windows. */
  storage_stats?: Record<string, never>;
  pids_stats: { current?: number; limit?: number };
  cpu_stats: CpuStats;
  precpu_stats: CpuStats;
  /** `stats`: memory.stat, key by key. */
  memory_stats: { usage?: number; limit?: number; max_usage?: number; stats?: Record<string, number> };
  blkio_stats: {
    io_service_bytes_recursive: BlockIoEntry[] | null;
    io_serviced_recursive: BlockIoEntry[] | null;
  };
  networks?: Record<string, NetworkStats>;
}

/** Body of POST /containers/{id}/update: what is missing stays as it is. */
export type UpdateBody = Pick<
  HostConfig,
  | 'NanoCpus'
  | 'CpuShares'
  | 'CpuQuota'
  | 'CpuPeriod'
  | 'CpusetCpus'
  | 'CpusetMems'
  | 'Memory'
  | 'MemorySwap'
  | 'MemoryReservation'
  | 'PidsLimit'
> & { RestartPolicy?: RestartPolicy };
