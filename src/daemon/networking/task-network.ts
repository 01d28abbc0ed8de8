import type { ContainerId, HostPort, NetworkId } from '../../core/model/index.ts';

/** What a running container has of its networks. */
export interface TaskNetwork {
  readonly container: ContainerId;
  readonly endpoints: readonly TaskEndpoint[];
  readonly ports: readonly TaskPort[];
  /** Published at addresses of the node that was asked, which serves them alone. Absent: none. */
  readonly portsElsewhere?: readonly TaskPort[];
}

export interface TaskEndpoint {
  readonly network: NetworkId;
  readonly address: number;
  readonly interfaceName: string;
  readonly isDefaultRoute: boolean;
  readonly mac: string | undefined;
  /** How it is called there, lower case. */
  readonly names: readonly string[];
}

/** A published port as it is served: the host's port is chosen. */
export interface TaskPort extends HostPort {
  readonly containerPort: number;
  /** Where it leads: the endpoint of the default route. */
  readonly network: NetworkId;
  readonly address: number;
}
