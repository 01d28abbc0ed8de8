import {
  type AgreedNetwork,
  type Command,
  type Container,
  containerId,
  type ContainerId,
  type Lease,
  type Member,
  type NetworkId,
  nodeId,
} from '../../core/model/index.ts';
import type { KeptAddress } from '../../core/leases/port.ts';
import type { ContainerSpec, EndpointWish } from '../../engine/port.ts';
import { assert } from '../../lib/assert.ts';
import { blockAt, formatIpv4, parseCidr, parseIpv4 } from '../../lib/ipv4.ts';
import { FakeNetwork } from '../../network/fake/fake.ts';
import { MemoryStore } from '../../store/fake/memory-store.ts';
import type { PeerRequest, PeerResponse } from '../../transport/port.ts';
import type { ForeignRoute } from './facts-feed.ts';
import type { LeaseRefused, Leases } from './leases.ts';
import { Networking } from './networking.ts';
import { TaskNetworks } from './task-networks.ts';

export const SELF = nodeId('1'.repeat(32));
export const OTHER = nodeId('2'.repeat(32));
export const A = containerId('a'.repeat(64));
export const FRONT = 'f'.repeat(64) as NetworkId;
export const BACK = 'b'.repeat(64) as NetworkId;
export const SIDE = 'd'.repeat(64) as NetworkId;

const network = (id: NetworkId, name: string, subnet: string, internal = false): AgreedNetwork => {
  const block = parseCidr(subnet);
  assert(block !== undefined, subnet);
  return {
    id,
    name,
    subnet: block,
    gateway: block.base + 1,
    vni: id === FRONT ? 5000 : 5001,
    internal,
    mtu: undefined,
    labels: {},
    options: {},
    createdAtMs: 0,
  };
};

/** Addresses by counting; tests say when there is none, and when one comes late. */
class FakeLeases implements Pick<Leases, 'take' | 'give' | 'inUse' | 'start' | 'onRenumber' | 'returnAll' | 'askOthersToReturn' | 'close'> {
  readonly used = new Map<string, number>();
  refuse: LeaseRefused | undefined;
  renumber: ((container: ContainerId, network: NetworkId) => void) | undefined;
  /** What a take waits for. */
  before: () => Promise<void> = async () => {};
  /** Networks of which a block is kept. */
  readonly firsts: NetworkId[] = [];
  #next = 10;
  start(kept: readonly KeptAddress[]) {
    for (const { network, container, address } of kept) this.used.set(`${network} ${container}`, address);
  }
  close() {}
  async ensureFirst(id: NetworkId) {
    this.firsts.push(id);
  }
  inUse(id: NetworkId) {
    const all = [...this.used].filter(([key]) => key.startsWith(id));
    return new Map(all.map(([key, address]) => [key.split(' ')[1] as ContainerId, address]));
  }
  async take(id: NetworkId, container: ContainerId, ip: number | undefined) {
    await this.before();
    if (this.refuse !== undefined && id === BACK) throw this.refuse;
    const base = id === FRONT ? 0x0a000000 : 0x0a010000;
    const address = this.used.get(`${id} ${container}`) ?? ip ?? base + this.#next++;
    this.used.set(`${id} ${container}`, address);
    return address;
  }
  give(id: NetworkId, container: ContainerId) {
    this.used.delete(`${id} ${container}`);
  }
  onRenumber(listener: (container: ContainerId, network: NetworkId) => void) {
    this.renumber = listener;
    return () => undefined;
  }
  async returnAll() {
    return this.used.size > 0 ? ('in-use' as const) : ('returned' as const);
  }
  async askOthersToReturn() {
    return [];
  }
}

/** Networking among fakes; what it does outside can be looked at. */
export function makeWorld(runDir: string, store = new MemoryStore()) {
  const fake = new FakeNetwork();
  const leases = new FakeLeases();
  const commands: Command[] = [];
  const requests: { peer: string; path: string; body: string }[] = [];
  const containers = new Map<ContainerId, Container>();
  const networks = [
    network(FRONT, 'front', '10.0.0.0/24'),
    network(BACK, 'back', '10.1.0.0/24', true),
    network(SIDE, 'side', '10.2.0.0/24'),
  ];
  const agreed: Lease[] = [{ network: FRONT, block: blockAt(0x0a000000, 29), node: OTHER }];
  const member = { id: SELF, name: 'one', number: 1, state: 'alive', underlayMtu: 1500, address: { ip: '192.0.2.1' } } as Member;
  const other = { ...member, id: OTHER, name: 'two', number: 2, address: { ...member.address, ip: '192.0.2.2' } };
  const members = [member, other];
  const nodes: { id: string; state: string }[] = [];
  const routes: ForeignRoute[] = [];
  const listeners = new Set<() => void>();
  const peers: { answer: (request: PeerRequest) => Promise<PeerResponse> } = {
    answer: async () => {
      throw new Error('not reached');
    },
  };
  const placed: { id: ContainerId; hosts: string }[] = [];
  const networking = new Networking({
    tasks: new TaskNetworks(runDir),
    store,
    network: fake,
    leases: leases as unknown as Leases,
    state: {
      networks: () => networks,
      network: (id: NetworkId) => networks.find((each) => each.id === id),
      leases: (id: NetworkId) => agreed.filter((lease) => lease.network === id),
      nodes: () => nodes,
      onChange: (listener: () => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      removeNetwork: async () => 'removed',
    } as never,
    node: {
      self: () => member,
      members: () => members,
      member: (id: string) => members.find((each) => each.id === id),
      container: (id: ContainerId) => containers.get(id),
      containers: () => [...containers.values()],
    },
    engine: {
      async place(id, files) {
        placed.push({ id, hosts: files.hosts ?? '' });
      },
    },
    vxlanPort: 4789,
    innerRange: blockAt(parseIpv4('198.18.0.0') ?? 0, 15),
    foreignRoutes: () => routes,
    filesFor: (_container, _spec, task) => ({ resolvConf: '', hosts: task.endpoints.map(({ address }) => formatIpv4(address)).join(' ') }),
    dns: { listen: () => undefined, forget: () => undefined, close: async () => undefined },
    doctor: async () => [],
    async command(command) {
      commands.push(command);
      return { ok: true, kind: 'done' };
    },
    request(peer, request) {
      const { path, body } = request;
      requests.push({ peer, path, body: body instanceof Buffer ? body.toString() : '' });
      return peers.answer(request);
    },
    log: () => undefined,
    wallMs: () => 0,
  });
  const run = (id: ContainerId, spec: Partial<ContainerSpec>, buyer = SELF): Container => {
    const container = {
      name: `c${id[0]}`,
      buyer,
      task: { state: 'running' },
      request: {
        containerId: id,
        spec: JSON.stringify({ networkMode: 'networks', networks: [], ports: [], networkOf: '', hostname: '', ...spec }),
      },
    } as unknown as Container;
    containers.set(id, container);
    return container;
  };
  const agreedChanged = () => listeners.forEach((listener) => listener());
  return { fake, leases, commands, containers, requests, networking, run, placed, networks, members, nodes, routes, peers, agreedChanged };
}

/** That a container be on a network. */
export const wish = (id: NetworkId, more: Partial<EndpointWish> = {}): EndpointWish => ({
  network: id,
  networkName: id === FRONT ? 'front' : 'back',
  vni: 5000,
  ip: '',
  aliases: [],
  mac: '',
  ...more,
});
