import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
import type { ContainerSpec } from '../../engine/port.ts';
import { blockAt, formatIpv4, parseCidr, parseIpv4 } from '../../lib/ipv4.ts';
import { FakeNetwork } from '../../network/fake/fake.ts';
import { MemoryStore } from '../../store/fake/memory-store.ts';
import { LeaseRefused, type Leases } from './leases.ts';
import { Networking } from './networking.ts';
import { TaskNetworks } from './task-networks.ts';

const SELF = nodeId('1'.repeat(32));
const OTHER = nodeId('2'.repeat(32));
const A = containerId('a'.repeat(64));
const FRONT = 'f'.repeat(64) as NetworkId;
const BACK = 'b'.repeat(64) as NetworkId;

const network = (id: NetworkId, name: string, subnet: string, internal = false): AgreedNetwork => {
  const block = parseCidr(subnet) ?? expect.fail(subnet);
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

class FakeLeases implements Pick<Leases, 'take' | 'give' | 'start' | 'onRenumber' | 'returnAll' | 'askOthersToReturn' | 'close'> {
  readonly used = new Map<string, number>();
  refuse: LeaseRefused | undefined;
  renumber: ((container: ContainerId, network: NetworkId) => void) | undefined;
  #next = 10;
  start() {}
  close() {}
  async take(id: NetworkId, container: ContainerId, ip: number | undefined) {
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

let runDir: string;
let world: ReturnType<typeof makeWorld>;

function makeWorld() {
  const fake = new FakeNetwork();
  const leases = new FakeLeases();
  const commands: Command[] = [];
  const requests: { peer: string; path: string; body: string }[] = [];
  const containers = new Map<ContainerId, Container>();
  const networks = [network(FRONT, 'front', '10.0.0.0/24'), network(BACK, 'back', '10.1.0.0/24', true)];
  const agreed: Lease[] = [{ network: FRONT, block: blockAt(0x0a000000, 29), node: OTHER }];
  const member = { id: SELF, name: 'one', number: 1, state: 'alive', underlayMtu: 1500, address: { ip: '192.0.2.1' } } as Member;
  const other = { ...member, id: OTHER, name: 'two', number: 2, address: { ...member.address, ip: '192.0.2.2' } };
  const members = [member, other];
  const placed: { id: ContainerId; hosts: string }[] = [];
  const networking = new Networking({
    tasks: new TaskNetworks(runDir),
    store: new MemoryStore(),
    network: fake,
    leases: leases as unknown as Leases,
    state: {
      networks: () => networks,
      network: (id: NetworkId) => networks.find((each) => each.id === id),
      leases: (id: NetworkId) => agreed.filter((lease) => lease.network === id),
      nodes: () => [],
      onChange: () => () => undefined,
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
    foreignRoutes: () => [],
    filesFor: (_container, _spec, task) => ({ resolvConf: '', hosts: task.endpoints.map(({ address }) => formatIpv4(address)).join(' ') }),
    dns: { listen: () => undefined, forget: () => undefined, close: async () => undefined },
    doctor: async () => [],
    async command(command) {
      commands.push(command);
      return { ok: true, kind: 'done' };
    },
    async request(peer, { path, body }) {
      requests.push({ peer, path, body: body instanceof Buffer ? body.toString() : '' });
      throw new Error('not reached');
    },
    log: () => undefined,
    wallMs: () => 0,
  });
  const run = (id: ContainerId, spec: Partial<ContainerSpec>, buyer = SELF): Container => {
    const container = {
      name: `c${id[0]}`,
      buyer,
      task: { state: 'running' },
      request: { containerId: id, spec: JSON.stringify({ networkMode: 'networks', networks: [], ports: [], networkOf: '', ...spec }) },
    } as unknown as Container;
    containers.set(id, container);
    return container;
  };
  return { fake, leases, commands, requests, networking, run, placed, networks };
}

const wish = (id: NetworkId, more: object = {}) => ({
  network: id,
  networkName: id === FRONT ? 'front' : 'back',
  vni: 5000,
  ip: '',
  aliases: [],
  mac: '',
  ...more,
});

beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'caravela-networking-'));
  world = makeWorld();
});
afterEach(async () => {
  await world.networking.close();
  rmSync(runDir, { recursive: true, force: true });
});

describe('Networking', () => {
  it('plugs a task into its networks before it starts, and takes all back when it has ended', async () => {
    const { networking, fake, leases, commands, run } = world;
    const container = run(A, { networks: [wish(BACK), wish(FRONT, { ip: '10.0.0.77', aliases: ['Web'] })] });
    const place = await networking.place(container);
    expect(place).toEqual({ netnsPath: `/fake/netns/${A}`, resolvConf: '', hosts: '10.1.0.10 10.0.0.77' });
    expect([...fake.endpoints.values()].map(({ interfaceName, isDefaultRoute }) => [interfaceName, isDefaultRoute])).toEqual([
      ['eth0', false],
      ['eth1', true],
    ]);
    expect(fake.state?.networks.map(({ name, peers }) => [name, peers.length])).toEqual([
      ['front', 1],
      ['back', 0],
    ]);
    expect(commands.findLast((each) => each.kind === 'endpoints')).toMatchObject({
      containerId: A,
      endpoints: [{ names: ['ca', 'aaaaaaaaaaaa'] }, { names: ['ca', 'aaaaaaaaaaaa', 'web'] }],
    });
    expect(networking.service.endpointsOf(A).map(({ networkName, address, mac }) => [networkName, address, mac])).toEqual([
      ['back', '10.1.0.10', '02:42:0a:01:00:0a'],
      ['front', '10.0.0.77', '02:42:0a:00:00:4d'],
    ]);
    await networking.release(A);
    expect([fake.namespaces.size, fake.endpoints.size, leases.used.size]).toEqual([0, 0, 0]);
    expect(commands.findLast((each) => each.kind === 'endpoints')).toMatchObject({ endpoints: [] });
  });

  it('leaves nothing where one of the networks has no address', async () => {
    const { networking, fake, leases, run } = world;
    leases.refuse = new LeaseRefused('exhausted', 'network back has no free address');
    await expect(networking.place(run(A, { networks: [wish(FRONT), wish(BACK)] }))).rejects.toMatchObject({
      code: 'conflict',
      message: 'network back has no free address',
    });
    expect([fake.namespaces.size, fake.endpoints.size, leases.used.size]).toEqual([0, 0, 0]);
  });

  it('finds what runs again after a restart of the daemon', async () => {
    const container = world.run(A, { networks: [wish(FRONT)] });
    await world.networking.place(container);
    await world.networking.close();
    const after = makeWorld();
    after.run(A, { networks: [wish(FRONT)] });
    await after.networking.recover((id) => id === A);
    expect(after.networking.service.endpointsOf(A)[0]?.address).toBe('10.0.0.10');
    expect([...after.fake.endpoints.values()]).toMatchObject([{ container: A, network: FRONT, interfaceName: 'eth0' }]);
    await after.networking.close();
  });

  it('keeps published ports, and says who has one', async () => {
    const { networking, fake, run } = world;
    const server = createServer().listen(0);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const ports = [{ containerPort: 80, protocol: 'tcp' as const, hostIp: '', hostPort: port }];
    await expect(networking.place(run(A, { networks: [wish(FRONT)], ports }))).rejects.toMatchObject({
      message: expect.stringMatching(/^port is already allocated on this node: .* a process of this host has it/) as string,
    });
    expect(fake.namespaces.size).toBe(0);
    server.close();
    await once(server, 'close');
    await networking.place(
      run(A, { networks: [wish(FRONT)], ports: [...ports, { containerPort: 53, protocol: 'udp', hostIp: '', hostPort: 0 }] }),
    );
    const published = fake.state?.ports ?? [];
    expect(published.map(({ hostPort, containerPort, address }) => [hostPort === port, containerPort, formatIpv4(address)])).toEqual([
      [true, 80, '10.0.0.11'],
      [false, 53, '10.0.0.11'],
    ]);
    await expect(
      networking.service.claimPorts(containerId('c'.repeat(64)), [{ protocol: 'tcp', hostIp: '0.0.0.0', hostPort: port }]),
    ).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('tells the node that was asked where ports lead', async () => {
    const { networking, requests, run } = world;
    const ports = [{ containerPort: 80, protocol: 'tcp' as const, hostIp: '', hostPort: 0 }];
    await networking.place(run(A, { networks: [wish(FRONT)], ports }, OTHER));
    expect(requests.map(({ peer, path }) => [peer, path])).toEqual([[OTHER, '/network/ports']]);
    expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({
      container: A,
      gone: false,
      ports: [{ containerPort: 80, address: 0x0a00000a }],
    });
  });

  it('leaves ports at addresses of the node that was asked to that one', async () => {
    const { networking, fake, requests, run } = world;
    const ports = [
      { containerPort: 80, protocol: 'tcp' as const, hostIp: '198.51.100.2', hostPort: 8080 },
      { containerPort: 53, protocol: 'udp' as const, hostIp: '', hostPort: 0 },
    ];
    await networking.place(run(A, { networks: [wish(FRONT)], ports }, OTHER));
    expect(fake.state?.ports.map(({ containerPort }) => containerPort)).toEqual([53]);
    expect(networking.service.portsOf(A).map(({ containerPort }) => containerPort)).toEqual([53]);
    const told = JSON.parse(requests[0]?.body ?? '') as { ports: object[] };
    expect(told.ports).toMatchObject([{ containerPort: 53 }, { containerPort: 80, ip: 0xc6336402, port: 8080, address: 0x0a00000a }]);
    await networking.release(A);
    const refusal = { code: 'invalid', message: expect.stringContaining('198.51.100.2 is not an address of this host') as string };
    await expect(networking.place(run(A, { networks: [wish(FRONT)], ports }))).rejects.toMatchObject(refusal);
    const unnamed = [{ containerPort: 80, protocol: 'tcp' as const, hostIp: '198.51.100.2', hostPort: 0 }];
    await expect(networking.place(run(A, { networks: [wish(FRONT)], ports: unnamed }, OTHER))).rejects.toMatchObject(refusal);
    expect(fake.namespaces.size).toBe(0);
  });

  it('connects and disconnects while it runs, and remembers for the next start', async () => {
    const { networking, fake, run, placed } = world;
    const container = run(A, { networks: [wish(FRONT)] });
    await networking.place(container);
    const { service } = networking;
    await service.connect(A, BACK, { ip: undefined, aliases: ['db'], mac: undefined });
    expect([...fake.endpoints.values()].map(({ interfaceName }) => interfaceName)).toEqual(['eth0', 'eth1']);
    expect(placed.at(-1)).toEqual({ id: A, hosts: '10.0.0.10 10.1.0.11' });
    await expect(service.connect(A, BACK, { ip: undefined, aliases: [], mac: undefined })).rejects.toMatchObject({ code: 'forbidden' });
    await service.disconnect(A, FRONT, false);
    await expect(service.disconnect(A, FRONT, false)).rejects.toThrow('container ca is not connected to network front');
    await networking.release(A);
    await networking.place(container);
    expect([...fake.endpoints.values()].map(({ network: id, interfaceName }) => [id, interfaceName])).toEqual([[BACK, 'eth0']]);
    await expect(service.remove(BACK)).rejects.toMatchObject({ code: 'in-use' });
  });

  it('connects what was started on no network at all', async () => {
    const { networking, fake, leases, run, placed } = world;
    const place = await networking.place(run(A, { networkMode: 'none' }));
    expect(place).toEqual({ netnsPath: `/fake/netns/${A}`, resolvConf: undefined, hosts: undefined });
    await networking.service.connect(A, FRONT, { ip: undefined, aliases: [], mac: undefined });
    expect([...fake.endpoints.values()].map(({ interfaceName, isDefaultRoute }) => [interfaceName, isDefaultRoute])).toEqual([
      ['eth0', true],
    ]);
    expect(placed.at(-1)).toEqual({ id: A, hosts: '10.0.0.10' });
    await networking.release(A);
    expect([fake.namespaces.size, fake.endpoints.size, leases.used.size]).toEqual([0, 0, 0]);
  });

  it('gives a container another address where its own was revoked', async () => {
    const { networking, leases, run, placed } = world;
    await networking.place(run(A, { networks: [wish(FRONT, { ip: '10.0.0.50' })] }));
    await networking.recover((id) => id === A);
    leases.renumber?.(A, FRONT);
    await expect.poll(() => placed.at(-1)?.hosts).toBe('10.0.0.10');
    expect(networking.service.endpointsOf(A)[0]?.address).toBe('10.0.0.10');
  });
});
