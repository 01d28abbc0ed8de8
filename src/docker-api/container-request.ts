/** What is asked of a container (Engine API 1.41, ContainerCreate). */
import type { EndpointConfig } from './network-types.ts';

export interface RestartPolicy {
  Name: '' | 'no' | 'always' | 'unless-stopped' | 'on-failure';
  MaximumRetryCount?: number;
}

export interface PortBinding {
  HostIp: string;
  HostPort: string;
}

/** Times in ns; 0: the image's, else the usual ones. */
export interface HealthConfig {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`; empty: the image's. */
  Test?: string[] | null;
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

/** One of HostConfig.Mounts, as `--mount` says it. */
export interface MountRequest {
  Type: 'bind' | 'volume' | 'tmpfs' | 'npipe';
  Source?: string;
  Target: string;
  ReadOnly?: boolean;
  Consistency?: string;
  BindOptions?: { Propagation?: string; NonRecursive?: boolean; CreateMountpoint?: boolean } | null;
  VolumeOptions?: {
    NoCopy?: boolean;
    Labels?: Record<string, string> | null;
    DriverConfig?: { Name?: string; Options?: Record<string, string> | null } | null;
    Subpath?: string;
  } | null;
  TmpfsOptions?: { SizeBytes?: number; Mode?: number } | null;
}

export interface DeviceRequest {
  PathOnHost: string;
  PathInContainer: string;
  /** Of `rwm`. */
  CgroupPermissions: string;
}

export interface Ulimit {
  Name: string;
  /** −1: no limit. */
  Soft: number;
  Hard: number;
}

/** Docker's Config: what of a container does not depend on the host. */
export interface ContainerConfig {
  Hostname: string;
  Domainname: string;
  User: string;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  Tty: boolean;
  OpenStdin: boolean;
  StdinOnce: boolean;
  ExposedPorts?: Record<string, object>;
  /** `KEY=value`. */
  Env: string[] | null;
  Cmd: string[] | null;
  Entrypoint: string[] | null;
  Image: string;
  Volumes?: Record<string, object> | null;
  WorkingDir: string;
  /** Of an image; null in what we answer of a container. */
  OnBuild?: string[] | null;
  Labels: Record<string, string> | null;
  StopSignal?: string;
  /** Seconds. */
  StopTimeout?: number;
  NetworkDisabled?: boolean;
  MacAddress?: string;
  Healthcheck?: HealthConfig | null;
}

export interface HostConfig {
  Binds?: string[] | null;
  /** Billionths of a core; 0: no limit. */
  NanoCpus?: number;
  CpuQuota?: number;
  CpuPeriod?: number;
  CpuShares?: number;
  CpusetCpus?: string;
  CpusetMems?: string;
  /** Bytes; 0: no limit. */
  Memory?: number;
  MemoryReservation?: number;
  MemorySwap?: number;
  MemorySwappiness?: number | null;
  PidsLimit?: number | null;
  NetworkMode?: string;
  PortBindings?: Record<string, PortBinding[] | null> | null;
  PublishAllPorts?: boolean;
  RestartPolicy?: RestartPolicy;
  AutoRemove?: boolean;
  Privileged?: boolean;
  ReadonlyRootfs?: boolean;
  CapAdd?: string[] | null;
  CapDrop?: string[] | null;
  Init?: boolean | null;
  /** Rows and columns of its terminal at first. */
  ConsoleSize?: [number, number] | null;
  Dns?: string[] | null;
  DnsOptions?: string[] | null;
  DnsSearch?: string[] | null;
  ExtraHosts?: string[] | null;
  Links?: string[] | null;
  Mounts?: MountRequest[] | null;
  Tmpfs?: Record<string, string> | null;
  VolumesFrom?: string[] | null;
  VolumeDriver?: string;
  PidMode?: string;
  IpcMode?: string;
  UTSMode?: string;
  UsernsMode?: string;
  CgroupnsMode?: string;
  SecurityOpt?: string[] | null;
  Devices?: DeviceRequest[] | null;
  Ulimits?: Ulimit[] | null;
  Sysctls?: Record<string, string> | null;
  LogConfig?: { Type: string; Config: Record<string, string> | null };
  Runtime?: string;
  ShmSize?: number;
  GroupAdd?: string[] | null;
  OomKillDisable?: boolean | null;
  OomScoreAdj?: number;
  CgroupParent?: string;
  DeviceCgroupRules?: string[] | null;
  /** What Caravela has none of: always Docker's zero. */
  DeviceRequests?: null;
  Cgroup?: '';
  ContainerIDFile?: '';
  Isolation?: '';
  CpuRealtimePeriod?: 0;
  CpuRealtimeRuntime?: 0;
  BlkioWeight?: 0;
  BlkioWeightDevice?: null;
  BlkioDeviceReadBps?: null;
  BlkioDeviceWriteBps?: null;
  BlkioDeviceReadIOps?: null;
  BlkioDeviceWriteIOps?: null;
  KernelMemory?: 0;
  CpuCount?: 0;
  CpuPercent?: 0;
  IOMaximumIOps?: 0;
  IOMaximumBandwidth?: 0;
  /** null: the usual ones. */
  MaskedPaths?: string[] | null;
  ReadonlyPaths?: string[] | null;
}

interface NetworkingConfig {
  /** By name, id or block of the network. */
  EndpointsConfig?: Record<string, EndpointConfig> | null;
}

/** Ours: what Docker has no word for. Docker's clients don't send it. */
export interface CaravelaCreateOptions {
  /** CPU class wanted; default low. */
  Class?: 'low' | 'high';
  Policy?: 'binpack' | 'spread';
  /** `key==value`, `key!=value`; `key==~value` is a wish. */
  Constraints?: string[];
  /** `container==web`, `image!=redis`, `KEY==VALUE` of a container's label; `==~` is a wish. */
  Affinities?: string[];
}

/** Body of POST /containers/create. Every field of Config may be missing: then it is Docker's zero. */
export interface ContainerCreateBody extends Partial<ContainerConfig> {
  Image: string;
  HostConfig?: HostConfig;
  NetworkingConfig?: NetworkingConfig;
  Caravela?: CaravelaCreateOptions;
}

export interface ContainerCreateResponse {
  Id: string;
  Warnings: string[];
}
