/** What is answered about containers (Engine API 1.41, ContainerList, ContainerInspect, ContainerWait). */
import type { CaravelaCreateOptions, ContainerConfig, HostConfig, PortBinding } from './container-request.ts';

export interface PortSummary {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: 'tcp' | 'udp' | 'sctp';
}

interface EndpointSettings {
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
  /** Ours: what was asked of its placement, defaults filled in. */
  Caravela: Required<CaravelaCreateOptions>;
}

export interface WaitResponse {
  StatusCode: number;
  Error?: { Message: string } | null;
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';
