import { formatCidr, formatIpv4, holds, overlaps, sameBlock } from '../../lib/ipv4.ts';
import { surplusOf, usableOf } from './lease-arithmetic.ts';
import type { Lease, NetworkId, NodeId } from '../../core/model/index.ts';
import { ownerOf } from './lease-cluster.ts';
import type { Commit, LeaseCluster } from './lease-cluster.ts';
import type { LeaseNode, Take, TakeAnswer } from './lease-node.ts';

export type LeaseRule =
  | 'no-overlap'
  | 'only-the-owner-gives'
  | 'owned-or-revoked'
  | 'refused-truly'
  | 'answered'
  | 'at-once'
  | 'returns-idle';

export interface BrokenRule {
  readonly rule: LeaseRule;
  readonly atMs: number;
  readonly what: string;
}

/** A take that waits longer than this is forgotten. */
const ANSWERED_WITHIN_MS = 10_000;

/** Oracles over nodes and agreement: they see everything and touch nothing. */
export class LeaseRules {
  readonly broken: BrokenRule[] = [];
  readonly #nowMs: () => number;
  /** When a node's leases were last revoked: the snapshot's serial. */
  readonly #revoked = new Map<NodeId, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Until it was told this snapshot, a node need not know. */
  revoked(node: NodeId, serial: number): void {
    this.#revoked.set(node, serial);
  }

  /** Agreed leases don't overlap, but for a single address that the block's owner ceded; and only owners give up. */
  onCommit({ network, author, before, after }: Commit): void {
    const had = (lease: Lease) => before.some((each) => each.node === lease.node && sameBlock(each.block, lease.block));
    for (const lease of after) {
      for (const other of after) {
        if (lease === other || !overlaps(lease.block, other.block)) continue;
        const isOne = lease.block.prefix === 32 && other.block.prefix < 32;
        if (!isOne && !(other.block.prefix === 32 && lease.block.prefix < 32))
          this.#break('no-overlap', `${network}: ${say(lease)} and ${say(other)}`);
        else if (isOne && !had(lease) && ownerOf(before, lease.block.base) !== author)
          this.#break('only-the-owner-gives', `${network}: ${say(lease)} out of ${say(other)}, written by ${author ?? 'an operator'}`);
        else if (isOne && !had(other) && !before.some(({ node, block }) => node === other.node && holds(block, lease.block.base)))
          this.#break('only-the-owner-gives', `${network}: ${say(other)} around ${say(lease)}`);
      }
      if (!had(lease) && lease.node !== author && lease.block.prefix < 32)
        this.#break('only-the-owner-gives', `${network}: ${say(lease)} by ${author ?? 'an operator'}`);
    }
    for (const lease of before) {
      const isGone = !after.some((each) => each.node === lease.node && sameBlock(each.block, lease.block));
      if (isGone && author !== undefined && author !== lease.node)
        this.#break('only-the-owner-gives', `${network}: ${author} ended ${say(lease)}`);
    }
  }

  /** What a container has is leased to its node, unless that was revoked and the node can't know it yet. */
  ownedOrRevoked(nodes: readonly LeaseNode[], cluster: LeaseCluster, network: NetworkId | undefined, address?: number): void {
    for (const node of nodes) {
      if ((this.#revoked.get(node.id) ?? 0) > node.told) continue;
      for (const endpoint of node.endpoints.values()) {
        if (network !== undefined && endpoint.network !== network) continue;
        if (address !== undefined && endpoint.address !== address) continue;
        const owner = ownerOf(cluster.read(endpoint.network).leases, endpoint.address);
        if (owner !== node.id)
          this.#break('owned-or-revoked', `${formatIpv4(endpoint.address)} is in use at ${node.id} and leased to ${owner ?? 'nobody'}`);
      }
    }
  }

  /** Faults are long over: there is no excuse any more. */
  forgetRevocations(): void {
    this.#revoked.clear();
  }

  /** Whoever is up answers every take in time. */
  answered(nodes: readonly LeaseNode[]): void {
    for (const node of nodes) {
      for (const take of node.takes.values()) {
        if (this.#nowMs() - take.atMs > ANSWERED_WITHIN_MS) this.#break('answered', `${node.id} owes an answer since ${take.atMs} ms`);
      }
    }
  }

  /** Without faults, and with nothing else going on: an address where there is one, at once where the node has one. */
  truly(
    node: LeaseNode,
    nodes: readonly LeaseNode[],
    cluster: LeaseCluster,
    take: Take,
    before: Situation,
    answer: TakeAnswer | undefined,
  ): void {
    const asked = take.ip === undefined ? 'an address' : formatIpv4(take.ip);
    const words = `${node.id} wanted ${asked} of ${take.network}`;
    const isGranted = answer !== undefined && !('code' in answer);
    if (answer === undefined) this.#break('answered', `${words} and got no answer`);
    else if (isGranted !== before.canHave) this.#break('refused-truly', `${words}: ${JSON.stringify(answer)}, with ${before.words}`);
    if (before.hasOwn && take.ip === undefined && this.#nowMs() > take.atMs) this.#break('at-once', `${words}, had one free, and waited`);
    this.ownedOrRevoked(nodes, cluster, take.network);
  }

  /** Long after the last use nobody has more idle leases than the bound. */
  returnsIdle(nodes: readonly LeaseNode[], cluster: LeaseCluster, defaultNetwork: NetworkId): void {
    for (const [network, { facts, leases }] of cluster.snapshot.networks) {
      for (const node of nodes) {
        const used = [...node.endpoints.values()].filter((each) => each.network === network).map((each) => each.address);
        const extra = surplusOf(facts, leases, node.id, used, network === defaultNetwork);
        if (extra !== undefined) this.#break('returns-idle', `${node.id} uses ${used.length} of ${network} and keeps ${formatCidr(extra)}`);
        const has = leases.filter((lease) => lease.node === node.id && usableOf(facts, leases, lease) > 0).length;
        if (network === defaultNetwork && has === 0) this.#break('returns-idle', `${node.id} has no block of the default network`);
      }
    }
  }

  #break(rule: LeaseRule, what: string): void {
    if (this.broken.length < 20) this.broken.push({ rule, atMs: this.#nowMs(), what });
  }
}

/** Before a take: whether it must be granted, and at once. */
export interface Situation {
  readonly canHave: boolean;
  readonly hasOwn: boolean;
  readonly words: string;
}

const say = ({ node, block }: Lease): string => `${formatCidr(block)} of ${node}`;
