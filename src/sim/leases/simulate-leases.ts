import type { ContainerId, NetworkId } from '../../core/model/index.ts';
import { blockAt, holds, lastOf, parseCidr, sizeOf } from '../../lib/ipv4.ts';
import { Prng } from '../../lib/prng.ts';
import type { NetworkFacts } from '../../core/leases/port.ts';
import { usableAddresses } from './lease-arithmetic.ts';
import { ownerOf } from './lease-cluster.ts';
import { drawFaults, NODE_FAULTS } from './lease-faults.ts';
import type { NodeFault } from './lease-faults.ts';
import type { LeaseNode, Take, TakeAnswer } from './lease-node.ts';
import type { BrokenRule, Situation } from './lease-rules.ts';
import { LeaseWorld } from './lease-world.ts';
import type { Sabotage } from './lease-world.ts';

export interface LeaseOutcome {
  readonly seed: number;
  readonly broken: readonly BrokenRule[];
  readonly counts: ReadonlyMap<string, number>;
}

/** ms of virtual time. */
const LOAD_MS = 60_000;
const SETTLE_MS = 90_000;
const REST_MS = 3_600_000;
const PROBES = 20;

/** One instance under load and faults; then, healed, what must be true is asked of it. Pure: the seed decides all. */
export function simulateLeases(seed: number, sabotage: Sabotage = {}): LeaseOutcome {
  const draw = new Prng(seed ^ 0x1ea5e5);
  const world = new LeaseWorld(seed, 2 + draw.int(6), networksFor(draw), sabotage);
  const load = new LeaseLoad(world, draw);
  load.run();
  world.heal();
  world.schedule.runUntil(world.nowMs() + SETTLE_MS);
  world.rules.answered(world.nodes);
  world.rules.forgetRevocations();
  world.rules.ownedOrRevoked(world.nodes, world.cluster, undefined);
  load.probe();
  load.calmDown();
  world.schedule.runUntil(world.nowMs() + REST_MS);
  world.rules.returnsIdle(world.nodes, world.cluster, world.defaultNetwork);
  world.rules.ownedOrRevoked(world.nodes, world.cluster, undefined);
  return { seed, broken: world.rules.broken, counts: world.counts };
}

function networksFor(draw: Prng): Map<NetworkId, NetworkFacts> {
  const first = draw.pick(['10.210.0.0/16', '10.0.0.0/22', '10.0.0.0/25']) ?? '';
  const rest = ['10.1.0.0/24', '10.2.0.0/28', '10.3.0.0/30', '10.4.0.0/29', '10.5.0.0/27'].filter(() => draw.chance(0.6));
  return new Map(
    [first, ...rest].map((text) => {
      const subnet = parseCidr(text) ?? blockAt(0, 0);
      return [text as NetworkId, { subnet, gateway: subnet.base + (draw.chance(0.8) ? 1 : 2) }];
    }),
  );
}

class LeaseLoad {
  readonly #world: LeaseWorld;
  readonly #draw: Prng;
  #networks: (readonly [NetworkId, NetworkFacts])[];
  /** A restore excuses everybody for a while: in most runs nobody does it. */
  readonly #faults: readonly NodeFault[];
  #lastContainer = 0;

  constructor(world: LeaseWorld, draw: Prng) {
    this.#world = world;
    this.#draw = draw;
    const restores = draw.chance(0.3);
    this.#faults = NODE_FAULTS.filter((fault) => fault !== 'restore' || restores);
    this.#networks = [...world.cluster.snapshot.networks].map(([network, { facts }]) => [network, facts]);
  }

  run(): void {
    const { schedule } = this.#world;
    const endMs = schedule.nowMs + LOAD_MS;
    this.#world.faults = drawFaults(this.#draw);
    const meanMs = 20 + this.#draw.int(200);
    const repeat = (body: () => void, withinMs: number) => {
      const atMs = schedule.nowMs + this.#draw.int(withinMs);
      if (atMs >= endMs) return;
      schedule.at(atMs, () => {
        body();
        repeat(body, withinMs);
      });
    };
    repeat(() => this.#act(), 2 * meanMs);
    repeat(() => this.#harm(), 6_000);
    schedule.runUntil(endMs);
  }

  /** Takes, one at a time: each is granted what there is, and refused what there is not. */
  probe(): void {
    for (const [network, { facts }] of this.#world.cluster.snapshot.networks) {
      for (let i = 0; i < PROBES; i++) {
        const node = this.#node();
        const ip = this.#draw.chance(0.4) ? this.#address(facts) : undefined;
        const before = this.#situation(node, network, ip);
        const take: Take = { network, container: this.#container(), ip, atMs: this.#world.nowMs(), onAnswer: undefined };
        let answer: TakeAnswer | undefined;
        node.take(network, take.container ?? this.#container(), ip, (said) => (answer = said));
        if (answer === undefined) this.#world.schedule.runUntil(take.atMs + 20_000, () => answer !== undefined);
        this.#world.rules.truly(node, this.#world.nodes, this.#world.cluster, take, before, answer);
        this.#world.schedule.runUntil(this.#world.nowMs() + 1_000);
      }
    }
  }

  calmDown(): void {
    for (const node of this.#world.nodes) {
      for (const [network] of this.#networks) {
        const share = this.#draw.pick([0, 0.5, 0.9, 1]) ?? 0;
        for (const endpoint of node.endpoints.values()) {
          if (endpoint.network === network && this.#draw.chance(share)) node.give(network, endpoint.container);
        }
      }
    }
  }

  #act(): void {
    const [network, facts] = this.#draw.pick(this.#networks) ?? this.#fail();
    const node = this.#node();
    const choice = this.#draw.int(100);
    if (choice < 45) node.take(network, this.#container(), undefined);
    else if (choice < 55) {
      // A storm: many want the same one.
      const ip = this.#address(facts);
      for (const each of this.#world.nodes) if (this.#draw.chance(0.6)) each.take(network, this.#container(), ip);
    } else if (choice < 60) for (let i = 0; i < 12; i++) node.take(network, this.#container(), undefined);
    else {
      const endpoints = [...node.endpoints.values()];
      const endpoint = this.#draw.pick(endpoints);
      if (choice < 97 && endpoint !== undefined) node.give(endpoint.network, endpoint.container);
      else for (const each of endpoints) if (each.network === endpoint?.network) node.give(each.network, each.container);
    }
  }

  #harm(): void {
    const { schedule, cut, lagging, cluster, rules } = this.#world;
    const fault: NodeFault = this.#draw.pick(this.#faults) ?? 'cut';
    const node = this.#node();
    const forMs = this.#draw.int(15_000);
    this.#world.count(fault);
    switch (fault) {
      case 'cut':
        cut.add(node);
        schedule.after(forMs, () => cut.delete(node));
        break;
      case 'lag':
        lagging.add(node);
        schedule.after(forMs, () => lagging.delete(node));
        break;
      case 'crash':
        this.#world.crash(node);
        schedule.after(forMs / 3, () => this.#world.restart(node));
        break;
      case 'power-cut':
        this.#world.cutPower(node);
        schedule.after(forMs / 3, () => this.#world.restart(node));
        break;
      case 'revoke':
        rules.revoked(node.id, Number.POSITIVE_INFINITY);
        rules.revoked(node.id, cluster.revoke(node.id));
        break;
      case 'remove-network': {
        const [network, facts] = this.#draw.pick(this.#networks.slice(1)) ?? [];
        if (network === undefined || facts === undefined) break;
        this.#world.returnAll(network);
        schedule.after(500, () => {
          if (!cluster.remove(network)) return;
          this.#networks = this.#networks.filter(([id]) => id !== network);
          const again = `${network}+` as NetworkId;
          schedule.after(forMs, () => {
            if (!cluster.snapshot.networks.has(again)) cluster.create(again, facts);
          });
          this.#networks.push([again, facts]);
        });
        break;
      }
      case 'restore':
        this.#world.restore(this.#draw.int(this.#draw.chance(0.5) ? 5 : 100));
        break;
    }
  }

  #situation(node: LeaseNode, network: NetworkId, ip: number | undefined): Situation {
    const { facts, leases } = this.#world.cluster.snapshot.networks.get(network) ?? this.#fail();
    const endpoints = this.#world.nodes.flatMap((each) => [...each.endpoints.values()]);
    const used = new Set(endpoints.filter((each) => each.network === network).map(({ address }) => address));
    const own = leases.filter((lease) => lease.node === node.id).flatMap(({ block }) => usableAddresses(facts, block));
    const unusable = new Set([facts.subnet.base, lastOf(facts.subnet), facts.gateway]);
    const free = sizeOf(facts.subnet) - unusable.size - used.size;
    return {
      canHave: ip === undefined ? free > 0 : !used.has(ip) && !unusable.has(ip),
      hasOwn: own.some((address) => !used.has(address) && ownerOf(leases, address) === node.id),
      words: `${used.size} in use, ${free} free`,
    };
  }

  #address({ subnet }: NetworkFacts): number {
    const near = { base: subnet.base, prefix: Math.max(subnet.prefix, 26) };
    const block = this.#draw.chance(0.7) ? near : subnet;
    const address = block.base + this.#draw.int(2 ** (32 - block.prefix));
    return holds(subnet, address) ? address : subnet.base;
  }

  #node(): LeaseNode {
    return this.#draw.pick(this.#world.nodes) ?? this.#fail();
  }

  #container(): ContainerId {
    return `c${++this.#lastContainer}` as ContainerId;
  }

  #fail(): never {
    throw new Error('a simulation has nodes and networks');
  }
}
