/**
 * The JSON of the Docker Engine API 1.41, as far as Caravela speaks it. Names and shapes are Docker's
 * own (docs.docker.com/engine/api/v1.41); what classic Swarm added (`Node`) and what we add
 * (`Caravela`) is marked. Times are RFC 3339 strings unless said otherwise, sizes bytes.
 */

/** Versions of the API we answer; requests outside are refused with 400. */
export const API_VERSION = '1.41';
export const MIN_API_VERSION = '1.24';
export const MAX_API_VERSION = '1.47';

export interface ErrorBody {
  message: string;
  /** Ours: why a run was refused, node by node (caravela-types.ts, PlacementRow). */
  placement?: import('./caravela-types.ts').PlacementRow;
}

// ---- system ----

export interface VersionComponent {
  Name: string;
  Version: string;
  Details?: Record<string, string>;
}

export interface Version {
  Platform: { Name: string };
  Components: VersionComponent[];
  Version: string;
  ApiVersion: string;
  MinAPIVersion: string;
  GitCommit: string;
  GoVersion: string;
  Os: string;
  Arch: string;
  KernelVersion: string;
  BuildTime: string;
}

export interface Info {
  ID: string;
  Name: string;
  ServerVersion: string;
  Containers: number;
  ContainersRunning: number;
  ContainersPaused: number;
  ContainersStopped: number;
  Images: number;
  Driver: string;
  /** Rows of two. */
  DriverStatus: [string, string][];
  /** Classic Swarm's: rows that describe the nodes, indented by a leading space. */
  SystemStatus: [string, string][] | null;
  DockerRootDir: string;
  LoggingDriver: string;
  CgroupDriver: string;
  CgroupVersion: string;
  NEventsListener: number;
  KernelVersion: string;
  OperatingSystem: string;
  OSVersion: string;
  OSType: string;
  Architecture: string;
  IndexServerAddress: string;
  /** Of the whole instance. */
  NCPU: number;
  MemTotal: number;
  MemoryLimit: boolean;
  SwapLimit: boolean;
  CpuCfsPeriod: boolean;
  CpuCfsQuota: boolean;
  CPUShares: boolean;
  CPUSet: boolean;
  PidsLimit: boolean;
  IPv4Forwarding: boolean;
  OomKillDisable: boolean;
  Debug: boolean;
  SystemTime: string;
  Labels: string[];
  ExperimentalBuild: boolean;
  HttpProxy: string;
  HttpsProxy: string;
  NoProxy: string;
  DefaultRuntime: string;
  Runtimes: Record<string, { path: string }>;
  SecurityOptions: string[];
  InitBinary: string;
  LiveRestoreEnabled: boolean;
  Plugins: { Volume: string[]; Network: string[]; Authorization: string[]; Log: string[] };
  RegistryConfig: { InsecureRegistryCIDRs: string[]; IndexConfigs: Record<string, unknown>; Mirrors: string[] };
  Swarm: { NodeID: string; LocalNodeState: string; ControlAvailable: boolean };
  Warnings: string[];
}

// ---- containers: what is asked ----

export interface RestartPolicy {
  Name: '' | 'no' | 'always' | 'unless-stopped' | 'on-failure';
  MaximumRetryCount?: number;
}

export interface PortBinding {
  HostIp: string;
  HostPort: string;
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
  Labels: Record<string, string> | null;
  StopSignal?: string;
  /** Seconds. */
  StopTimeout?: number;
  NetworkDisabled?: boolean;
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
  Dns?: string[] | null;
  ExtraHosts?: string[] | null;
  Mounts?: unknown[] | null;
  Tmpfs?: Record<string, string> | null;
  VolumesFrom?: string[] | null;
  VolumeDriver?: string;
  PidMode?: string;
  IpcMode?: string;
  UTSMode?: string;
  UsernsMode?: string;
  SecurityOpt?: string[] | null;
  Devices?: unknown[] | null;
  Ulimits?: unknown[] | null;
  Sysctls?: Record<string, string> | null;
  LogConfig?: { Type: string; Config: Record<string, string> | null };
  Runtime?: string;
  ShmSize?: number;
  GroupAdd?: string[] | null;
  OomKillDisable?: boolean | null;
  OomScoreAdj?: number;
  CgroupParent?: string;
}

export interface NetworkingConfig {
  EndpointsConfig?: Record<string, unknown> | null;
}

/** Ours: what Docker has no word for. Docker's clients don't send it. */
export interface CaravelaCreateOptions {
  /** CPU class wanted; default low. */
  Class?: 'low' | 'high';
  Policy?: 'binpack' | 'spread';
  /** `key==value` or `key!=value`. */
  Constraints?: string[];
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

// ---- containers: what is answered ----

export interface PortSummary {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: 'tcp' | 'udp' | 'sctp';
}

export interface EndpointSettings {
  NetworkID: string;
  EndpointID: string;
  Gateway: string;
  IPAddress: string;
  IPPrefixLen: number;
  MacAddress: string;
  Aliases?: string[] | null;
}

export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

/** One row of GET /containers/json. */
export interface ContainerSummary {
  Id: string;
  /** Each with a leading slash. */
  Names: string[];
  Image: string;
  ImageID: string;
  Command: string;
  /** Seconds since 1970. */
  Created: number;
  State: ContainerStatus;
  /** For people: `Up 3 minutes`, `Exited (1) 2 hours ago`. */
  Status: string;
  Ports: PortSummary[];
  /** Carries `caravela.node` (the node's name). */
  Labels: Record<string, string>;
  HostConfig: { NetworkMode: string };
  NetworkSettings: { Networks: Record<string, EndpointSettings> };
  Mounts: unknown[];
  SizeRw?: number;
  SizeRootFs?: number;
}

/** The label by which list entries name their node. */
export const NODE_LABEL = 'caravela.node';

export interface ContainerState {
  Status: ContainerStatus;
  Running: boolean;
  Paused: boolean;
  Restarting: boolean;
  OOMKilled: boolean;
  Dead: boolean;
  Pid: number;
  ExitCode: number;
  Error: string;
  /** `0001-01-01T00:00:00Z` where it has not happened. */
  StartedAt: string;
  FinishedAt: string;
}

/** Classic Swarm's: where a container is. */
export interface NodeOfContainer {
  ID: string;
  Name: string;
  IP: string;
  /** `ip:port` of its control port. */
  Addr: string;
}

export interface ContainerInspect {
  Id: string;
  Created: string;
  Path: string;
  Args: string[];
  State: ContainerState;
  /** Image id: `sha256:…`. */
  Image: string;
  ResolvConfPath: string;
  HostnamePath: string;
  HostsPath: string;
  LogPath: string;
  /** With a leading slash. */
  Name: string;
  RestartCount: number;
  Driver: string;
  Platform: string;
  MountLabel: string;
  ProcessLabel: string;
  AppArmorProfile: string;
  ExecIDs: string[] | null;
  HostConfig: HostConfig;
  GraphDriver: { Name: string; Data: Record<string, string> | null };
  Mounts: unknown[];
  Config: ContainerConfig;
  NetworkSettings: {
    Bridge: string;
    SandboxID: string;
    SandboxKey: string;
    Ports: Record<string, PortBinding[] | null>;
    Gateway: string;
    IPAddress: string;
    IPPrefixLen: number;
    MacAddress: string;
    Networks: Record<string, EndpointSettings>;
  };
  Node: NodeOfContainer;
}

export interface WaitResponse {
  StatusCode: number;
  Error?: { Message: string } | null;
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

// ---- images ----

export interface ImageSummary {
  Id: string;
  ParentId: string;
  RepoTags: string[] | null;
  RepoDigests: string[] | null;
  /** Seconds since 1970. */
  Created: number;
  Size: number;
  VirtualSize: number;
  SharedSize: number;
  Labels: Record<string, string> | null;
  /** −1: not counted. */
  Containers: number;
}

export interface ImageInspect {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  Created: string;
  Container: string;
  DockerVersion: string;
  Author: string;
  Config: Partial<ContainerConfig> | null;
  Architecture: string;
  Variant?: string;
  Os: string;
  Size: number;
  VirtualSize: number;
  GraphDriver: { Name: string; Data: Record<string, string> | null };
  RootFS: { Type: string; Layers: string[] };
  Metadata: { LastTagTime: string };
}

export interface ImageDeleteItem {
  Untagged?: string;
  Deleted?: string;
}

/** One line of the streams of images/create and images/load. */
export interface ProgressMessage {
  status?: string;
  /** Short layer digest. */
  id?: string;
  /** Rendered bar; clients draw their own from progressDetail. */
  progress?: string;
  progressDetail?: { current?: number; total?: number };
  /** images/load prints through this. */
  stream?: string;
  error?: string;
  errorDetail?: { code?: number; message: string };
}

/** The decoded X-Registry-Auth header (base64url of this JSON). */
export interface RegistryAuth {
  username?: string;
  password?: string;
  auth?: string;
  serveraddress?: string;
  identitytoken?: string;
  registrytoken?: string;
}

// ---- events ----

export interface EventMessage {
  Type: 'container' | 'image' | 'network' | 'volume' | 'daemon' | 'node';
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  scope: 'local' | 'swarm';
  /** Seconds since 1970. */
  time: number;
  timeNano: number;
  /** Older clients read these three. */
  status?: string;
  id?: string;
  from?: string;
  /** Classic Swarm's. */
  node?: { Id: string; Name: string; Ip: string; Addr: string };
}
