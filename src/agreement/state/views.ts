import type { AgreedNetwork, AgreedNode, Lease, NetworkId, NodeId } from '../../core/model/index.ts';
import type { AgreedGossipKeys, AgreedToken, AgreedVolume, Fact } from './fact.ts';

/** The agreed facts by what they are asked for. Fed with each fact that comes and goes, by its key. */
export class Views {
  readonly nodes = new Map<NodeId, AgreedNode>();
  readonly networks = new Map<NetworkId, AgreedNetwork>();
  readonly tokens = new Map<string, AgreedToken>();
  readonly caHolders = new Set<NodeId>();
  /** Named volumes and the node that has each. */
  readonly volumes = new Map<string, AgreedVolume>();
  readonly #leases = new Map<NetworkId, Map<string, Lease>>();
  readonly #leasesOf = new Map<NodeId, Map<string, Lease>>();
  /** Of agreement. */
  members: readonly NodeId[] = [];
  /** undefined: as each node has them since it was made. */
  gossipKeys: AgreedGossipKeys | undefined;
  areGossipKeysDue = false;

  leases(network: NetworkId): readonly Lease[] {
    return [...(this.#leases.get(network)?.values() ?? [])];
  }

  leasesOf(node: NodeId): readonly Lease[] {
    return [...(this.#leasesOf.get(node)?.values() ?? [])];
  }

  volumesOf(node: NodeId): readonly AgreedVolume[] {
    return [...this.volumes.values()].filter((volume) => volume.node === node);
  }

  isIn(node: NodeId): boolean {
    return this.nodes.get(node)?.state === 'in';
  }

  /** Nodes that are in no longer, and still have a lease or a volume. */
  holdersGone(): readonly NodeId[] {
    const holders = new Set(this.#leasesOf.keys());
    for (const { node } of this.volumes.values()) holders.add(node);
    return [...holders].filter((node) => !this.isIn(node));
  }

  add(key: string, fact: Fact): void {
    switch (fact.kind) {
      case 'node':
        this.nodes.set(fact.node.id, fact.node);
        return;
      case 'network':
        this.networks.set(fact.network.id, fact.network);
        return;
      case 'token':
        this.tokens.set(fact.token.id, fact.token);
        return;
      case 'ca-holder':
        this.caHolders.add(fact.node);
        return;
      case 'members':
        this.members = fact.members;
        return;
      case 'volume':
        this.volumes.set(fact.volume.name, fact.volume);
        return;
      case 'gossip-keys':
        this.gossipKeys = fact.keys;
        return;
      case 'gossip-keys-due':
        this.areGossipKeysDue = true;
        return;
      case 'lease':
        within(this.#leases, fact.lease.network).set(key, fact.lease);
        within(this.#leasesOf, fact.lease.node).set(key, fact.lease);
        return;
      default:
    }
  }

  remove(key: string, fact: Fact): void {
    switch (fact.kind) {
      case 'node':
        // It moved from one key to another, and is there already.
        if (this.nodes.get(fact.node.id) === fact.node) this.nodes.delete(fact.node.id);
        return;
      case 'network':
        this.networks.delete(fact.network.id);
        return;
      case 'token':
        this.tokens.delete(fact.token.id);
        return;
      case 'ca-holder':
        this.caHolders.delete(fact.node);
        return;
      case 'members':
        this.members = [];
        return;
      case 'volume':
        this.volumes.delete(fact.volume.name);
        return;
      case 'gossip-keys':
        this.gossipKeys = undefined;
        return;
      case 'gossip-keys-due':
        this.areGossipKeysDue = false;
        return;
      case 'lease':
        without(this.#leases, fact.lease.network, key);
        without(this.#leasesOf, fact.lease.node, key);
        return;
      default:
    }
  }
}

function within<K, V>(map: Map<K, Map<string, V>>, name: K): Map<string, V> {
  const inner = map.get(name) ?? new Map<string, V>();
  map.set(name, inner);
  return inner;
}

function without<K, V>(map: Map<K, Map<string, V>>, name: K, key: string): void {
  const inner = map.get(name);
  inner?.delete(key);
  if (inner?.size === 0) map.delete(name);
}
