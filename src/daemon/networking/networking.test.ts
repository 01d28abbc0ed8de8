import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerId, type NetworkId } from '../../core/model/index.ts';
import { formatIpv4 } from '../../lib/ipv4.ts';
import { MemoryStore } from '../../store/fake/memory-store.ts';
import { LeaseRefused } from './leases.ts';
import { A, BACK, FRONT, makeWorld, OTHER, SIDE, wish } from './networking-world.test-helper.ts';

let runDir: string;
let world: ReturnType<typeof makeWorld>;

beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'caravela-networking-'));
  world = makeWorld(runDir);
});
afterEach(async () => {
  await world.networking.close();
  rmSync(runDir, { recursive: true, force: true });
});

describe('Networking', () => {
  it('plugs a task into its networks before it starts, and takes all back when it has ended', async () => {
    const { networking, fake, leases, commands, run } = world;
    const container = run(A, { hostname: 'Shop', networks: [wish(BACK), wish(FRONT, { ip: '10.0.0.77', aliases: ['Web'] })] });
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
      endpoints: [{ names: ['ca', 'aaaaaaaaaaaa', 'shop'] }, { names: ['ca', 'aaaaaaaaaaaa', 'shop', 'web'] }],
    });
    expect(networking.service.endpointsOf(A).map(({ networkName, address, mac }) => [networkName, address, mac])).toEqual([
      ['back', '10.1.0.10', '02:42:0a:01:00:0a'],
      ['front', '10.0.0.77', '02:42:0a:00:00:4d'],
    ]);
    await networking.release(A);
    expect([fake.namespaces.size, fake.endpoints.size, leases.used.size]).toEqual([0, 0, 0]);
    expect(commands.findLast((each) => each.kind === 'endpoints')).toMatchObject({ endpoints: [] });
  });

  it('keeps a container off a network that the kernel refuses, and off no other', async () => {
    const { networking, fake, run } = world;
    fake.broken.add(BACK);
    const ports = [{ containerPort: 80, protocol: 'tcp' as const, hostIp: '', hostPort: 0 }];
    const B = containerId('b'.repeat(64));
    await expect(networking.place(run(B, { networks: [wish(FRONT), wish(BACK)], ports }))).rejects.toThrow(/broken/);
    await networking.place(run(A, { networks: [wish(FRONT)], ports }));
    expect([...fake.endpoints.values()].map(({ container }) => container)).toEqual([A]);
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
    const after = makeWorld(runDir);
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

  it('gives no address back to which the node that was asked may still lead a port', async () => {
    const { networking, leases, run } = world;
    const ports = [{ containerPort: 80, protocol: 'tcp' as const, hostIp: '', hostPort: 0 }];
    const store = new MemoryStore();
    const first = makeWorld(runDir, store);
    const spec = { networks: [wish(FRONT), wish(BACK)], ports };
    await first.networking.place(first.run(A, spec, OTHER));
    await first.networking.release(A);
    // Nothing leads to the other.
    expect([...first.leases.used]).toEqual([[`${FRONT} ${A}`, 0x0a00000a]]);
    // It starts again with the same.
    await first.networking.place(first.run(A, spec, OTHER));
    expect(first.leases.used.get(`${FRONT} ${A}`)).toBe(0x0a00000a);
    await first.networking.close();

    // The daemon dies, then the container; then the other node is there again.
    const after = makeWorld(runDir, store);
    after.run(A, spec, OTHER);
    after.peers.answer = async () => ({ status: 200, headers: {}, body: Readable.from([Buffer.from('[]')]) });
    await after.networking.recover(() => false);
    expect([...after.leases.used]).toEqual([[`${FRONT} ${A}`, 0x0a00000a]]);
    await after.networking.start();
    await expect.poll(() => after.leases.used.size).toBe(0);
    await after.networking.close();
    expect(store.document('lingering-addresses')).toEqual([]);

    // Where this node itself was asked, nobody else leads there.
    await networking.place(run(A, spec));
    await networking.release(A);
    expect(leases.used.size).toBe(0);
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

  it('finds another way out, and leads its ports there, when it is taken off the network that had both', async () => {
    const { networking, fake, run, placed } = world;
    const ports = [{ containerPort: 80, protocol: 'tcp' as const, hostIp: '127.0.0.1', hostPort: 0 }];
    const container = run(A, { networks: [wish(FRONT), wish(BACK), wish(SIDE)], ports });
    await networking.place(container);
    const { service } = networking;
    const [before] = service.portsOf(A);
    const led = () => fake.state?.ports.map(({ network: id, hostPort }) => [id, hostPort]);
    await expect.poll(led).toEqual([[FRONT, before?.hostPort]]);
    await service.disconnect(A, FRONT, false);
    expect([...fake.endpoints.values()]).toMatchObject([
      { network: BACK, isDefaultRoute: false },
      { network: SIDE, isDefaultRoute: true },
    ]);
    expect(service.portsOf(A)).toEqual([before]);
    expect(led()).toEqual([[SIDE, before?.hostPort]]);
    expect(placed.at(-1)?.id).toBe(A);
    await service.disconnect(A, SIDE, false);
    expect([service.portsOf(A), led()]).toEqual([[], []]);
  });

  it('knows a network that was removed by its name, also where another has it now', async () => {
    const { networking, run } = world;
    const gone = wish('e'.repeat(64) as NetworkId, { networkName: 'side' });
    const { service } = networking;
    const on = () => service.endpointsOf(A).map((each) => each.network);
    run(A, { networks: [wish(FRONT), gone] });
    await service.disconnect(A, SIDE, false);
    expect(on()).toEqual([FRONT]);
    await expect(service.disconnect(A, SIDE, false)).rejects.toThrow('container ca is not connected to network side');
    const other = containerId('b'.repeat(64));
    run(other, { networks: [gone] });
    await service.connect(other, SIDE, { ip: undefined, aliases: [], mac: undefined });
    expect(service.endpointsOf(other).map((each) => each.network)).toEqual([SIDE]);
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
