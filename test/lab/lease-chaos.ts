import { expect } from 'vitest';
import type { KeptAddress } from '../../src/core/leases/port.ts';
import type { ContainerId, Lease, NetworkId } from '../../src/core/model/index.ts';
import { LeaseRefused } from '../../src/daemon/networking/leases.ts';
import { formatCidr, formatIpv4, holds, overlaps } from '../../src/lib/ipv4.ts';
import { Prng } from '../../src/lib/prng.ts';
import type { LeaseLab, LeaseLabNode } from './lease-lab.ts';
import { until } from './shell.ts';

/** Of each node: what is under way side by side. */
const WORKERS = 6;
const SUBNETS = ['10.90.0.0/20', '10.91.0.0/24', '10.92.0.0/28', '10.93.0.0/28', '10.94.0.0/29'] as const;

export { SUBNETS as CHAOS_SUBNETS };

/** Who has which address, of all nodes: written the moment it is granted, struck before it is given back. */
class Owners {
  readonly #of = new Map<string, string>();
  readonly kept = new Map<LeaseLabNode, KeptAddress[]>();
  granted = 0;
  readonly #shared: string[] = [];

  take(node: LeaseLabNode, each: KeptAddress): void {
    const key = `${each.network} ${each.address}`;
    const other = this.#of.get(key);
    if (other !== undefined) this.#shared.push(`${formatIpv4(each.address)} went to node ${node.agreement.n} while ${other} had it`);
    this.#of.set(key, `node ${node.agreement.n}`);
    this.kept.set(node, [...(this.kept.get(node) ?? []), each]);
    this.granted += 1;
  }

  strike(node: LeaseLabNode, each: KeptAddress): void {
    this.#of.delete(`${each.network} ${each.address}`);
    this.kept.set(
      node,
      (this.kept.get(node) ?? []).filter((other) => other !== each),
    );
  }

  get shared(): readonly string[] {
    return this.#shared;
  }
}

/**
 * Takes, gives and --ip from all nodes at once for a while, amid kills of etcd, pulled cables and crashes of daemons;
 * then no two nodes ever had one address, and all that is in use is leased to who uses it.
 */
export async function leaseChaos(lab: LeaseLab, seed: number, forMs: number): Promise<Readonly<Record<string, number>>> {
  const random = new Prng(seed);
  const owners = new Owners();
  const counts: Record<string, number> = {};
  const count = (what: string) => (counts[what] = (counts[what] ?? 0) + 1);
  const networks = lab.nodes[0]?.state.networks() ?? [];
  const endMs = performance.now() + forMs;
  let lastContainer = 0;

  const takeOne = async (node: LeaseLabNode) => {
    const network = random.pick(networks);
    if (network === undefined) return;
    const container = (++lastContainer).toString(16).padStart(64, '0') as ContainerId;
    const ip = random.chance(0.3) ? network.subnet.base + random.int(40) : undefined;
    const { keeper } = node;
    try {
      const address = await keeper.take(network.id, container, ip);
      // What a daemon was granted that has died since nobody uses.
      if (keeper === node.keeper) owners.take(node, { network: network.id, container, address });
    } catch (error) {
      if (!(error instanceof LeaseRefused)) throw error;
      count(error.code);
    }
  };
  const giveOne = (node: LeaseLabNode) => {
    const each = random.pick(owners.kept.get(node) ?? []);
    if (each === undefined) return;
    owners.strike(node, each);
    node.keeper.give(each.network, each.container);
  };
  /** All of a network goes back, so that blocks change hands. */
  const leaveOne = async (node: LeaseLabNode) => {
    const network = random.pick(networks);
    if (network === undefined) return;
    for (const each of owners.kept.get(node) ?? []) {
      if (each.network !== network.id) continue;
      owners.strike(node, each);
      node.keeper.give(each.network, each.container);
    }
    await node.keeper.returnAll(network.id).then(count, () => count('not returned'));
  };
  const work = async (node: LeaseLabNode) => {
    while (performance.now() < endMs) {
      const choice = random.float();
      if (choice < 0.6) await takeOne(node);
      else if (choice < 0.85) giveOne(node);
      else await leaveOne(node);
      await pause(random.int(20));
    }
  };
  const harm = async () => {
    while (performance.now() < endMs) {
      const node = random.pick(lab.nodes);
      const what = random.pick(['kill the leader', 'kill a member', 'pull a cable', 'restart a daemon', 'restart a daemon'] as const);
      if (node === undefined || what === undefined) return;
      count(what);
      if (what === 'kill the leader') (await lab.agreement.leader().catch(() => node.agreement)).killEtcd();
      else if (what === 'kill a member') node.agreement.killEtcd();
      else if (what === 'restart a daemon') node.restart(owners.kept.get(node) ?? []);
      else {
        await lab.cut(node);
        await pause(500 + random.int(3_000));
        await lab.heal(node);
      }
      await pause(500 + random.int(2_000));
    }
  };
  await Promise.all([harm(), ...lab.nodes.flatMap((node) => Array.from({ length: WORKERS }, () => work(node)))]);
  expect(owners.shared).toEqual([]);
  for (const network of networks) await isConsistent(lab, network.id, owners);
  return { ...counts, granted: owners.granted };
}

/** Once a majority answers again: what is in use is leased to its node, and leases overlap only as they may. */
async function isConsistent(lab: LeaseLab, network: NetworkId, owners: Owners): Promise<void> {
  const [first] = lab.nodes;
  const leases = await until('a majority', async () => (await first?.state.readLeases(network))?.leases, 30_000);
  for (const lease of leases) {
    const others = leases.filter((other) => other !== lease && overlaps(other.block, lease.block));
    const isFine = others.every((other) => (other.block.prefix === 32) !== (lease.block.prefix === 32));
    expect(isFine, `${formatCidr(lease.block)} overlaps ${others.map(({ block }) => formatCidr(block)).join(', ')}`).toBe(true);
  }
  for (const node of lab.nodes) {
    for (const each of owners.kept.get(node) ?? []) {
      if (each.network === network)
        expect([formatIpv4(each.address), holderOf(leases, each.address)]).toEqual([formatIpv4(each.address), node.agreement.id]);
    }
  }
}

/** A single address beats the block around it. */
function holderOf(leases: readonly Lease[], address: number): string | undefined {
  const around = leases.filter(({ block }) => holds(block, address));
  return (around.find(({ block }) => block.prefix === 32) ?? around[0])?.node;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
