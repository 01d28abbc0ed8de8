/** What is answered about containers (Engine API 1.41, ContainerList, ContainerInspect, ContainerWait). */
import type { CaravelaCreateOptions, ContainerConfig, HostConfig, PortBinding } from './container-request.ts';

export interface PortSummary {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: 'tcp' | 'udp' | 'sctp';
}

export interface EndpointSettings {
  /** What was asked. */
  IPAMConfig: { IPv4Address?: string } | null;
  Links: string[] | null;
  Aliases: string[] | null;
  MacAddress: string;
  DriverOpts: Record<string, string> | null;
  NetworkID: string;
  EndpointID: string;
  Gateway: string;
  IPAddress: string;
  IPPrefixLen: number;
  IPv6Gateway: string;
  GlobalIPv6Address: string;
  GlobalIPv6PrefixLen: number;
  /** How others on the network call it. */
  DNSNames: string[] | null;
}

export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

/** Something that is mounted in a container. */
export interface MountPoint {
  Type: 'bind' | 'volume' | 'tmpfs';
  /** Of a volume. */
  Name?: string;
  /** On its node; '' of a tmpfs. */
  Source: string;
  /** In the container. */
  Destination: string;
  Driver?: string;
  /** As it was asked for: `ro`, `z`. */
  Mode: string;
  RW: boolean;
  Propagation: string;
}

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
  Mounts: MountPoint[];
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
  /** Where something checks it. */
  Health?: HealthState;
}

export interface HealthState {
  Status: 'starting' | 'healthy' | 'unhealthy';
  FailingStreak: number;
  /** The last ones, the oldest first. */
  Log: { Start: string; End: string; ExitCode: number; Output: string }[];
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
  Mounts: MountPoint[];
  SizeRw?: number;
  SizeRootFs?: number;
  Config: ContainerConfig;
  NetworkSettings: {
    Bridge: string;
    SandboxID: string;
    SandboxKey: string;
    HairpinMode: boolean;
    LinkLocalIPv6Address: string;
    LinkLocalIPv6PrefixLen: number;
    SecondaryIPAddresses: null;
    SecondaryIPv6Addresses: null;
    Ports: Record<string, PortBinding[] | null>;
    EndpointID: string;
    Gateway: string;
    GlobalIPv6Address: string;
    GlobalIPv6PrefixLen: number;
    IPAddress: string;
    IPPrefixLen: number;
    IPv6Gateway: string;
    MacAddress: string;
    Networks: Record<string, EndpointSettings>;
  };
  Node: NodeOfContainer;
  /** Ours: what was asked of its placement, defaults filled in, and which nodes serve its published ports. */
  Caravela: Required<CaravelaCreateOptions> & { Published: ServedPort[] };
}

/** One published port at one node. */
export interface ServedPort {
  /** `80/tcp`. */
  Port: string;
  HostIp: string;
  HostPort: number;
  /** The node's name. */
  Node: string;
}

export interface WaitResponse {
  StatusCode: number;
  Error?: { Message: string } | null;
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

/** POST /containers/prune. */
export interface ContainersPruned {
  ContainersDeleted: string[] | null;
  /** Bytes. */
  SpaceReclaimed: number;
}
