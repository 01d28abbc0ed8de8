/** One network (Engine API 1.41, `Network`). */
export interface NetworkRow {
  readonly Name: string;
  readonly Id: string;
  readonly Created: string;
  readonly Scope: string;
  readonly Driver: string;
  readonly EnableIPv6: boolean;
  readonly IPAM: {
    readonly Driver: string;
    readonly Options: Readonly<Record<string, string>> | null;
    readonly Config: readonly NetworkPool[];
  };
  readonly Internal: boolean;
  readonly Attachable: boolean;
  readonly Ingress: boolean;
  readonly ConfigFrom: { readonly Network: string };
  readonly ConfigOnly: boolean;
  /** By container id; lists leave it empty. */
  readonly Containers: Readonly<Record<string, NetworkContainer>>;
  readonly Options: Readonly<Record<string, string>>;
  readonly Labels: Readonly<Record<string, string>>;
  /** Ours; not of none and host. */
  readonly Caravela?: NetworkFacts;
}

export interface NetworkPool {
  readonly Subnet?: string;
  readonly Gateway?: string;
}

/** A container on a network. */
export interface NetworkContainer {
  readonly Name: string;
  readonly EndpointID: string;
  readonly MacAddress: string;
  /** With the subnet's prefix length: `10.0.0.5/24`; '' while it does not run. */
  readonly IPv4Address: string;
  readonly IPv6Address: string;
}

/** What Docker has no word for. */
export interface NetworkFacts {
  readonly VNI: number;
  /** Leased blocks by the name of the node that has them. */
  readonly Blocks: Readonly<Record<string, readonly string[]>>;
  /** Nodes that did not tell what they have on it; absent from lists. */
  readonly Unreachable?: readonly string[];
}

/** Body of POST /networks/create. */
export interface NetworkCreateBody {
  Name: string;
  CheckDuplicate?: boolean;
  Driver?: string;
  Internal?: boolean;
  EnableIPv6?: boolean;
  IPAM?: { Driver?: string; Config?: NetworkPool[] };
  Options?: Record<string, string>;
  Labels?: Record<string, string>;
}

export interface NetworkCreated {
  Id: string;
  Warning: string;
}

/** How a container is to be on one network: `EndpointsConfig` of a create, `EndpointConfig` of a connect. */
export interface EndpointConfig {
  IPAMConfig?: { IPv4Address?: string } | null;
  Aliases?: string[] | null;
  MacAddress?: string;
}
