import type { ContainerId } from '../core/model/index.ts';
import type { OutputPiece, TerminalSize } from './stream-port.ts';

/** What `docker exec` runs in a container that runs. */
export interface ExecSpec {
  /** At least the program. */
  readonly argv: readonly [string, ...string[]];
  /** Added to the container's: `NAME=value`. */
  readonly env: readonly string[];
  /** Empty: the container's. */
  readonly workingDir: string;
  /** `user[:group]`, names or numbers; empty: the container's. */
  readonly user: string;
  readonly privileged: boolean;
  readonly tty: boolean;
  /** Of its terminal, from its first instruction on. */
  readonly terminalSize?: TerminalSize;
  /** Whether it has an input; without one it reads the end at once. */
  readonly stdin: boolean;
}

/** A process that was started in a container. It has its own end; the container's end is its end, too. */
export interface RunningExec {
  /** On the host. */
  readonly pid: number;
  /**
   * Until it has ended and its output is drained. Nobody need read it: who does not read never holds the process up
   * for longer than an attached reader may.
   */
  readonly output: AsyncIterable<OutputPiece>;
  /** Resolves when it is taken; await each before the next. */
  write(data: Uint8Array): Promise<void>;
  endInput(): void;
  /** Nothing where it has no terminal. */
  resize(size: TerminalSize): Promise<void>;
  /** 128 + n after signal n. Never rejects. */
  readonly exitCode: Promise<number>;
  /** Lets go of the streams; the process goes on, as Docker's do. */
  detach(): void;
}

/** As the kernel counts; what a kernel does not tell is 0. */
export interface ContainerStats {
  readonly cpu: {
    readonly usageNs: number;
    /** Of it on each CPU of the host; absent: this kernel's control groups don't tell (v2). */
    readonly perCpuNs?: readonly number[];
    readonly userNs: number;
    readonly kernelNs: number;
    readonly periods: number;
    readonly throttledPeriods: number;
    readonly throttledNs: number;
    /** All CPUs of the host since its start (/proc/stat). */
    readonly systemNs: number;
    readonly onlineCpus: number;
  };
  /** Bytes. `limit`: the host's memory where there is none. `details`: the control group's memory.stat. */
  readonly memory: { readonly usage: number; readonly limit: number; readonly details: Readonly<Record<string, number>> };
  readonly pids: { readonly current: number /** 0: no limit. */; readonly limit: number };
  /** Per block device. */
  readonly blockIo: readonly {
    readonly major: number;
    readonly minor: number;
    readonly readBytes: number;
    readonly writtenBytes: number;
    readonly reads: number;
    readonly writes: number;
  }[];
  /** By interface name in the container's namespace, loopback left out; none with the host's. */
  readonly networks: Readonly<
    Record<
      string,
      {
        readonly rxBytes: number;
        readonly rxPackets: number;
        readonly rxErrors: number;
        readonly rxDropped: number;
        readonly txBytes: number;
        readonly txPackets: number;
        readonly txErrors: number;
        readonly txDropped: number;
      }
    >
  >;
}

/** What `update` may change; each absent stays as it is. */
export interface ContainerLimits {
  readonly nanoCpus?: number;
  readonly memoryBytes?: number;
  readonly memorySwapBytes?: number;
  readonly memoryReservationBytes?: number;
  readonly pidsLimit?: number;
  readonly cpuShares?: number;
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
}

/** A look at, or a hand in, a container that runs: nothing here changes what the node knows of it. */
export interface ProcessAccess {
  /** Resolves when it runs. @throws EngineError wrong-state (not running, paused), engine-failed (no such program or user: in the runtime's words) */
  exec(id: ContainerId, spec: ExecSpec): Promise<RunningExec>;
  /** The host's `ps` with these arguments, the container's processes only. @throws EngineError */
  top(
    id: ContainerId,
    psArguments: readonly string[],
  ): Promise<{ readonly titles: readonly string[]; readonly processes: readonly (readonly string[])[] }>;
  /** undefined: it does not run. @throws EngineError no-such-container */
  stats(id: ContainerId): Promise<ContainerStats | undefined>;
  /**
   * Of its running task, or its last; undefined where nothing checks it, or it was not started since this engine was
   * opened. An engine that is opened anew begins with `starting`. @throws EngineError no-such-container
   */
  health(id: ContainerId): Promise<ContainerHealth | undefined>;
}

export const HEALTH_STATUSES = ['starting', 'healthy', 'unhealthy'] as const;
export type HealthStatus = (typeof HEALTH_STATUSES)[number];

/** What a container's HEALTHCHECK says of it. */
export interface ContainerHealth {
  readonly status: HealthStatus;
  /** Failed checks in a row. */
  readonly failingStreak: number;
  /** The last checks, at most five, the oldest first. */
  readonly log: readonly HealthProbe[];
}

/** One check that has ended. */
export interface HealthProbe {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** 0: healthy. -1: it could not be run, or took too long: `output` says which. */
  readonly exitCode: number;
  /** The first 4096 bytes of what it wrote. */
  readonly output: string;
}

/** A container's health is not what it was. */
export interface HealthChange {
  readonly containerId: ContainerId;
  readonly status: HealthStatus;
}
