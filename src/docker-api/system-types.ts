/** Version, info, events and disk usage (Engine API 1.41). */
import type { ContainerSummary } from './container-answer.ts';
import type { ImageSummary } from './image-types.ts';
import type { VolumeRow } from './volume-types.ts';

interface VersionComponent {
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

/** Which version of a part runs; '' where it has none of its own. */
interface Commit {
  ID: string;
  Expected: string;
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
  BridgeNfIptables: boolean;
  BridgeNfIp6tables: boolean;
  KernelMemory: boolean;
  OomKillDisable: boolean;
  /** Of the daemon; −1: not told. */
  NFd: number;
  NGoroutines: number;
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
  Isolation: string;
  GenericResources: unknown[] | null;
  ProductLicense: string;
  DefaultAddressPools: { Base: string; Size: number }[] | null;
  ClusterStore: string;
  ClusterAdvertise: string;
  ContainerdCommit: Commit;
  RuncCommit: Commit;
  InitCommit: Commit;
  CDISpecDirs: string[] | null;
  LiveRestoreEnabled: boolean;
  Plugins: { Volume: string[]; Network: string[]; Authorization: string[]; Log: string[] };
  RegistryConfig: { InsecureRegistryCIDRs: string[]; IndexConfigs: Record<string, unknown>; Mirrors: string[] };
  Swarm: {
    NodeID: string;
    NodeAddr: string;
    LocalNodeState: string;
    ControlAvailable: boolean;
    Error: string;
    RemoteManagers: unknown[] | null;
  };
  Warnings: string[];
}

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

/** GET /system/df. */
export interface DiskUsage {
  /** Bytes of all layers, each counted once. */
  LayersSize: number;
  Images: ImageSummary[] | null;
  Containers: ContainerSummary[] | null;
  Volumes: VolumeRow[] | null;
  BuildCache: unknown[] | null;
  /** Bytes; of a builder that is none here. */
  BuilderSize?: number;
}
