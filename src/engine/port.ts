import type { ContainerId, NetworkId, PortProtocol, TaskId } from '../core/model/index.ts';

import type { FileAccess } from './files-port.ts';
import type { BlobSource, ImageRef, ImageStore } from './image-port.ts';
import type { MountWish, VolumeStore } from './volume-port.ts';
import type { ContainerLimits, HealthChange, ProcessAccess } from './process-port.ts';
import type { LogEntry, OutputPiece, TerminalSize } from './stream-port.ts';

export * from './files-port.ts';
export * from './image-port.ts';
export * from './process-port.ts';
export * from './stream-port.ts';
export * from './volume-port.ts';
export { signalNumber } from './signals.ts';

/** `none`: own network namespace with loopback only. `host`: the host's. `container`: another container's. */
export const NETWORK_MODES = ['none', 'host', 'networks', 'container'] as const;
export type NetworkMode = (typeof NETWORK_MODES)[number];

/** How a container wants to be on one network. */
export interface EndpointWish {
  /** The agreed id. */
  readonly network: NetworkId;
  /** Its name when it was asked for, for messages. */
  readonly networkName: string;
  /** 24 bits: what the scheduler knows networks by. */
  readonly vni: number;
  /** `--ip`, dotted; empty: any. */
  readonly ip: string;
  readonly aliases: readonly string[];
  /** `--mac-address`; empty: from the address. */
  readonly mac: string;
  /** `--link`; absent: none. */
  readonly links?: readonly EndpointLink[];
}

/** What a container alone calls another one. */
export interface EndpointLink {
  /** A name or an id, as asked: it need not be there yet. */
  readonly container: string;
  readonly alias: string;
}

/** Both are of it. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** One published port; a range of the container's was taken apart. */
export interface PortWish {
  readonly containerPort: number;
  readonly protocol: PortProtocol;
  /** Dotted; empty: every address of the host. */
  readonly hostIp: string;
  /** 0: any free one, chosen at start. */
  readonly hostPort: number;
  /** Any of these was asked for; `hostPort` is the one that was chosen when the container was placed. */
  readonly hostRange?: PortRange;
}

/** What the engine needs to make a container; travels as JSON in a request's `spec`. */
export interface ContainerSpec {
  readonly name: string;
  readonly image: ImageRef;
  /** As it was asked for, which is what Docker's clients expect to read again; absent: as the reference is written for people. */
  readonly imageAsked?: string;
  /** Docker's Config: null or absent means "as the image says". */
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[] | null;
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Empty: as the image says, else `/`. */
  readonly workingDir: string;
  /** `user[:group]`, names or numbers; empty: as the image says. */
  readonly user: string;
  /** Empty: first 12 digits of the container id. */
  readonly hostname: string;
  readonly tty: boolean;
  /** Of its terminal, from its first instruction on; absent: none until it is resized. */
  readonly terminalSize?: TerminalSize;
  readonly openStdin: boolean;
  readonly stdinOnce: boolean;
  /** Empty: as the image says, else SIGTERM. */
  readonly stopSignal: string;
  /** 0: Docker's default, 10 s. */
  readonly stopTimeoutSeconds: number;
  /** 0: no limit, as Docker shows it. */
  readonly nanoCpus: number;
  readonly memoryBytes: number;
  /** 0: Docker's default (no limit); the engine sets its own safety bound. −1: no limit, as was asked for. */
  readonly pidsLimit: number;
  readonly networkMode: NetworkMode;
  /** With `networks`, in order: eth0, eth1 …; what `connect` and `disconnect` change later is the node's own record. */
  readonly networks: readonly EndpointWish[];
  /** With `container`: whose; else empty. */
  readonly networkOf: string;
  readonly ports: readonly PortWish[];
  /** `-P` was asked for: what it publishes is among the ports. */
  readonly publishAll?: boolean;
  /** `--dns`, `--dns-search`, `--dns-option`; empty: the network's. */
  readonly dns: { readonly servers: readonly string[]; readonly search: readonly string[]; readonly options: readonly string[] };
  /** `--add-host`, as `name:ip`. */
  readonly extraHosts: readonly string[];
  /** `80/tcp`: the image's and those of `--expose`; for people to see. Absent: none. */
  readonly exposedPorts?: readonly string[];
  /** `--domainname`: the host name's domain; absent or empty: none. */
  readonly domainname?: string;
  readonly readonlyRootfs: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly init: boolean;
  /** What is mounted into it, in order; absent: nothing. */
  readonly mounts?: readonly MountWish[];
  /** How that was written when it was asked for, for people to see; absent: it was not. */
  readonly askedMounts?: AskedMounts;
  /** What few ask for; absent: all of it as Docker has it by default. */
  readonly extras?: SpecExtras;
}

/** HostConfig's Binds, Mounts, Tmpfs and VolumesFrom. */
export interface AskedMounts {
  readonly binds: readonly string[];
  readonly mounts: readonly Readonly<Record<string, unknown>>[];
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly volumesFrom: readonly string[];
}

/** The rarer of Docker's options, each absent where it was not asked for. */
export interface SpecExtras {
  readonly privileged?: boolean;
  readonly cpuShares?: number;
  /** Microseconds; both or none. */
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  /** As `0-3,5`. */
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  /** Bytes; -1: no limit. Memory and swap together, as Docker counts. */
  readonly memorySwapBytes?: number;
  readonly memoryReservationBytes?: number;
  readonly oomScoreAdj?: number;
  readonly oomKillDisable?: boolean;
  readonly shmBytes?: number;
  readonly ulimits?: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  /** Of the container's own namespaces. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Names or numbers. */
  readonly groupAdd?: readonly string[];
  readonly devices?: readonly { readonly hostPath: string; readonly containerPath: string; readonly permissions: string }[];
  readonly deviceCgroupRules?: readonly string[];
  /** As Docker takes them: `no-new-privileges`, `seccomp=unconfined`, `seccomp={…}` … */
  readonly securityOptions?: readonly string[];
  /** `host`, `private`, `container:ID` on the same node. */
  readonly pidMode?: string;
  readonly ipcMode?: string;
  readonly utsMode?: string;
  readonly cgroupnsMode?: string;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  /** Docker's HEALTHCHECK; absent: as the image says. Durations in nanoseconds. */
  readonly healthcheck?: {
    readonly test: readonly string[];
    readonly interval: number;
    readonly timeout: number;
    readonly startPeriod: number;
    readonly retries: number;
  };
  readonly log?: LogWish;
}

/** Docker's LogConfig. */
export interface LogWish {
  /** `none`: what it writes is not kept; all else is this engine's own log. */
  readonly driver: string;
  /** As it was asked for, for people to see. */
  readonly options: Readonly<Record<string, string>>;
  /** Of its newest file, at which another is begun. */
  readonly fileBytes?: number;
  readonly files?: number;
}

/** Facts about a container that only its engine knows, for inspect. */
export interface ContainerDetails {
  /** Config digest of the platform's image: Docker's image id. */
  readonly imageId: string;
  /** What runs, image defaults merged in. */
  readonly path: string;
  readonly args: readonly string[];
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[] | null;
  /** Of the request and the image; what every container's process gets beside it is not among them. */
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly user: string;
  readonly hostname: string;
  readonly stopSignal: string;
  readonly logPath: string;
  /** runc or crun. */
  readonly runtime: string;
  /** All it has: the spec's, and volumes made for its image's `VOLUME`s. Absent: the spec's. */
  readonly mounts?: readonly MountWish[];
  /** Paths in the container that show nothing, and that can't be written to; empty: none. */
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  /** Absent: nothing of it is on a host. */
  readonly places?: ContainerPlaces;
}

/** Where on its host a container's things are. */
export interface ContainerPlaces {
  /** Of its root, the topmost first. */
  readonly lowerDirs: readonly string[];
  readonly upperDir: string;
  readonly workDir: string;
  /** Its root itself, while it runs. */
  readonly mergedDir: string;
  readonly running?: {
    readonly hosts: string;
    readonly hostname: string;
    readonly resolvConf: string;
    /** '' where it has the host's network. */
    readonly netns: string;
  };
}

export interface AttachOptions {
  /** Whether this one may write; where the spec has stdinOnce and no terminal, the first such one that goes takes the input's end with it. */
  readonly stdin: boolean;
  /** Leaves. */
  readonly signal: AbortSignal;
}

/** One reader of, and perhaps writer to, what a container's process has for standard streams. */
export interface AttachedStreams {
  /**
   * From now on, or all of the next task where none runs, until that task has ended or this one leaves. A container is
   * held up for a short while by a reader that is slow, and not at all by one that takes nothing: @throws ReaderTooSlow
   */
  readonly output: AsyncIterable<OutputPiece>;
  /**
   * Resolves when it is taken, which is not before the start; at once, for nothing, where the container reads no input
   * (any more). Await each before the next.
   */
  write(data: Uint8Array): Promise<void>;
  /** This one has no more input. */
  endInput(): void;
}

/** A reader was let go: what it reads is not whole. */
export class ReaderTooSlow extends Error {
  override name = 'ReaderTooSlow';
}

export interface LogOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Go on until the container has exited and its log is drained, or `signal` aborts. */
  readonly follow: boolean;
  /** Last n lines; undefined: all. */
  readonly tail: number | undefined;
  /** Wall-clock ms; undefined: no bound. */
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
  readonly signal: AbortSignal;
}

/** What a task's network gives it. */
export interface TaskPlace {
  /** The network namespace to join; undefined: the host's. */
  readonly netnsPath: string | undefined;
  /** Contents of /etc/resolv.conf and /etc/hosts; undefined: as on the host, without what only its loopback answers. */
  readonly resolvConf: string | undefined;
  readonly hosts: string | undefined;
}

/** The part of a place that may change while the task runs. */
export type TaskFiles = Pick<TaskPlace, 'resolvConf' | 'hosts'>;

export interface StartedTask {
  readonly pid: number;
  readonly startedAtMs: number;
}

export interface Exit {
  readonly containerId: ContainerId;
  readonly taskId: TaskId;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly finishedAtMs: number;
}

/** What `recover` found of one container after our own crash, or a reboot. */
export type Recovered =
  | { readonly containerId: ContainerId; readonly state: 'created' }
  | {
      readonly containerId: ContainerId;
      readonly state: 'running';
      readonly taskId: TaskId;
      readonly pid: number;
      readonly startedAtMs: number;
      readonly paused: boolean;
    }
  | { readonly containerId: ContainerId; readonly state: 'exited'; readonly exit: Exit };

/** An engine's refusal, in words for the user. `changed`: whether something stays behind (it should not). */
export class EngineError extends Error {
  override name = 'EngineError';
  readonly code: 'image-missing' | 'engine-failed' | 'no-such-container' | 'wrong-state';
  constructor(code: EngineError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Runs containers on this host. Every method is safe to repeat after a crash; whatever fails cleans
 * up after itself. One adapter instance owns its state directory.
 */
export interface Engine extends ProcessAccess, FileAccess {
  readonly images: ImageStore;
  readonly volumes: VolumeStore;
  /** Name and version of what runs containers, for `docker version` and `info`. */
  readonly description: { readonly name: string; readonly version: string; readonly cgroupVersion: 1 | 2; readonly seccomp: boolean };
  /**
   * Reads what is there, ends half-made containers, starts watching the running ones. Called once,
   * before anything else. Containers for which `known` is false are removed with all they hold.
   */
  recover(known: (id: ContainerId) => boolean): Promise<readonly Recovered[]>;
  /** Image present (else fetched from `sources`, in order) and directory written. Idempotent. @throws EngineError */
  create(id: ContainerId, spec: ContainerSpec, sources: readonly BlobSource[]): Promise<void>;
  /** @throws EngineError */
  start(id: ContainerId, taskId: TaskId, place: TaskPlace): Promise<StartedTask>;
  /**
   * Gives a running container other contents of /etc/resolv.conf and /etc/hosts, in the files it has (undefined: as it
   * is); nothing where it doesn't run, as its next start brings its own.
   */
  place(id: ContainerId, files: TaskFiles): Promise<void>;
  /** Sends `signal` (a name or number, as Docker takes them) to the container's first process. @throws EngineError */
  kill(id: ContainerId, signal: string): Promise<void>;
  /** `signal`, wait up to `timeoutMs`, SIGKILL. Resolves when the container has exited; at once where it isn't running. */
  stop(id: ContainerId, signal: string, timeoutMs: number): Promise<void>;
  /** Stops its processes from running, all of them, until `unpause`; both do nothing where it is so already. @throws EngineError wrong-state */
  pause(id: ContainerId): Promise<void>;
  unpause(id: ContainerId): Promise<void>;
  /** Other limits, at once where it runs, and for its next starts. @throws EngineError */
  update(id: ContainerId, limits: ContainerLimits): Promise<void>;
  /**
   * Ends it if it runs, then removes directory, mounts, cgroup; with `volumes` also those of its volumes that nobody
   * named and no other container has. Idempotent.
   */
  remove(id: ContainerId, options?: { readonly volumes: boolean }): Promise<void>;
  logs(id: ContainerId, options: LogOptions): AsyncIterable<LogEntry>;
  /** @throws EngineError no-such-container */
  attach(id: ContainerId, options: AttachOptions): Promise<AttachedStreams>;
  /** Of a running container's terminal; nothing where it has none. @throws EngineError wrong-state */
  resize(id: ContainerId, size: TerminalSize): Promise<void>;
  details(id: ContainerId): Promise<ContainerDetails>;
  /** Told once per task, also for those that ended while we were down (through `recover`). */
  onExit(listener: (exit: Exit) => void): void;
  /** Told when a container's health changes: to `starting` with each start of one that has a check. */
  onHealth(listener: (change: HealthChange) => void): void;
  /** Stops watching; containers run on. */
  close(): Promise<void>;
}
