/** What comes at the wrong moment: ends amid starts, two changes at once, addresses revoked meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ContainerId, DEFAULT_NETWORK, type NetworkId } from '../../core/model/index.ts';
import { parseCidr } from '../../lib/ipv4.ts';
import { MemoryStore } from '../../store/fake/memory-store.ts';
import { LeaseRefused } from './leases.ts';
import { A, BACK, FRONT, makeWorld, OTHER, wish } from './networking-world.test-helper.ts';

let runDir: string;
let world: ReturnType<typeof makeWorld>;
beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'caravela-races-'));
  world = makeWorld(runDir);
});
afterEach(async () => {
  await world.networking.close();
  vi.useRealTimers();
  rmSync(runDir, { recursive: true, force: true });
});

/** Lets something wait until it is opened. */
function gate(): { readonly passed: () => Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: () => promise, open: resolve };
}

const interfaces = () => [...world.fake.endpoints.values()].map(({ interfaceName }) => interfaceName).toSorted();
const askedFor = { ip: undefined, aliases: [], mac: undefined };
const nothingLeft = () => expect([world.fake.namespaces.size, world.fake.endpoints.size, world.leases.used.size]).toEqual([0, 0, 0]);
const drawn = { containerPort: 80, protocol: 'tcp' as const, hostIp: '127.0.0.1', hostPort: 0 };

describe('a container that ends', () => {
  it('while it is being started: the start fails at once, and leaves nothing', async () => {
    const { networking, leases, run } = world;
    const { passed, open } = gate();
    leases.before = passed;
    const started = networking.place(run(A, { networks: [wish(FRONT), wish(BACK)] }));
    const refused = started.catch((error: unknown) => error);
    await Promise.resolve();
    const released = networking.release(A);
    open();
    expect(await refused).toMatchObject({ code: 'conflict' });
    await released;
    nothingLeft();
  });

  it('while it is being connected: nothing of it comes back', async () => {
    const { networking, leases, run, commands } = world;
    await networking.place(run(A, { networks: [wish(FRONT)] }));
    const { passed, open } = gate();
    leases.before = passed;
    const connected = networking.service.connect(A, BACK, askedFor);
    const released = networking.release(A);
    open();
    await Promise.allSettled([connected, released]);
    nothingLeft();
    expect(commands.findLast(({ kind }) => kind === 'endpoints')).toMatchObject({ endpoints: [] });
  });
});

describe('two changes at once', () => {
  it('of the networks of a container: both are made', async () => {
    const { networking, networks, run } = world;
    const third = 'c'.repeat(64) as NetworkId;
    networks.push({ ...(networks[0] as (typeof networks)[0]), id: third, name: 'third', vni: 5002 });
    await networking.place(run(A, { networks: [wish(FRONT)] }));
    await Promise.all([networking.service.connect(A, BACK, askedFor), networking.service.connect(A, third, askedFor)]);
    expect(interfaces()).toEqual(['eth0', 'eth1', 'eth2']);
    expect(networking.service.endpointsOf(A).map(({ network }) => network)).toEqual([FRONT, BACK, third]);
  });

  it('of which one is a start', async () => {
    const { networking, leases, run } = world;
    const { passed, open } = gate();
    leases.before = passed;
    const started = networking.place(run(A, { networks: [wish(FRONT)] }));
    const connected = networking.service.connect(A, BACK, askedFor);
    open();
    await Promise.all([started, connected]);
    expect(interfaces()).toEqual(['eth0', 'eth1']);
  });
});

describe('an address that is revoked', () => {
  it('while its container is being started', async () => {
    const { networking, leases, fake, run } = world;
    await networking.recover(() => false);
    const { passed, open } = gate();
    fake.settled = passed;
    const started = networking.place(run(A, { networks: [wish(FRONT, { ip: '10.0.0.50' })] }));
    await vi.waitFor(() => expect(leases.inUse(FRONT).get(A)).toBe(0x0a000032));
    leases.renumber?.(A, FRONT);
    open();
    await started;
    await vi.waitFor(() => expect(networking.service.endpointsOf(A)[0]?.address).toBe('10.0.0.10'));
    expect(fake.endpoints.size).toBe(1);
  });

  it('and no other to be had for a while: it is taken back, tried again, and ports lead to the new one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { networking, leases, fake, run } = world;
    await networking.recover(() => false);
    await networking.place(run(A, { networks: [wish(FRONT)], ports: [drawn, { ...drawn, containerPort: 81 }] }));
    const before = networking.service.portsOf(A);
    leases.before = () => Promise.reject(new LeaseRefused('no-agreement', 'no majority'));
    leases.renumber?.(A, FRONT);
    await vi.waitFor(() => expect(fake.endpoints.size).toBe(0));
    expect([leases.used.size, fake.state?.ports]).toEqual([0, []]);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(fake.endpoints.size).toBe(0);
    leases.before = async () => {};
    await vi.advanceTimersByTimeAsync(30_000);
    await vi.waitFor(() => expect(networking.service.portsOf(A)).toEqual(before));
    expect(fake.state?.ports.map(({ address }) => address)).toEqual([0x0a00000b, 0x0a00000b]);
  });

  it('and whose interface stays at first: it is tried again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { networking, leases, fake, run } = world;
    await networking.recover(() => false);
    await networking.place(run(A, { networks: [wish(FRONT)] }));
    const busy = new Error('device busy');
    vi.spyOn(fake, 'detach').mockRejectedValueOnce(busy).mockRejectedValueOnce(busy);
    leases.renumber?.(A, FRONT);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(networking.service.endpointsOf(A)[0]?.address).toBe('10.0.0.10');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(networking.service.endpointsOf(A)[0]?.address).toBe('10.0.0.11');
  });

  it('and given back meanwhile: what the container has by now stays', async () => {
    const { networking, leases, run } = world;
    await networking.recover(() => false);
    const container = run(A, { networks: [wish(FRONT)] });
    await networking.place(container);
    const released = networking.release(A);
    leases.renumber?.(A, FRONT);
    await released;
    await networking.place(container);
    expect(networking.service.endpointsOf(A)[0]?.address).toBe('10.0.0.11');
  });
});

it('an address that the asked node may still lead to stays its container’s also through a start that fails', async () => {
  const { networking, leases, members, run } = world;
  const container = run(A, { networks: [wish(FRONT), wish(BACK)], ports: [drawn] }, OTHER);
  await networking.place(container);
  members[1] = { ...(members[1] as (typeof members)[1]), state: 'dead' };
  await networking.release(A);
  expect([...leases.inUse(FRONT)]).toEqual([[A, 0x0a00000a]]);
  leases.refuse = new LeaseRefused('exhausted', 'network back has no free address');
  await expect(networking.place(container)).rejects.toMatchObject({ code: 'conflict' });
  const { passed, open } = gate();
  leases.before = passed;
  const started = networking.place(container).catch((error: unknown) => error);
  await Promise.resolve();
  const released = networking.release(A);
  open();
  await Promise.all([started, released]);
  expect([...leases.inUse(FRONT)]).toEqual([[A, 0x0a00000a]]);
  expect(leases.inUse(BACK).size).toBe(0);
});

describe('a daemon that dies', () => {
  const again = async (store: MemoryStore) => {
    await world.networking.close();
    world = makeWorld(runDir, store);
    world.run(A, { networks: [wish(FRONT)] });
    await world.fake.makeNamespace(A);
    await world.networking.recover((id) => id === A);
    await world.networking.start();
  };

  it('amid a connect: the next one ends it', async () => {
    const store = new MemoryStore();
    world = makeWorld(runDir, store);
    await world.networking.place(world.run(A, { networks: [wish(FRONT)] }));
    store.putDocument('connections', { [A]: [wish(FRONT), wish(BACK)] });
    await again(store);
    await vi.waitFor(() => expect(interfaces()).toEqual(['eth0', 'eth1']));
  });

  it('amid a disconnect: the next one ends it, and gives the address back', async () => {
    const store = new MemoryStore();
    world = makeWorld(runDir, store);
    await world.networking.place(world.run(A, { networks: [wish(FRONT), wish(BACK)] }));
    store.putDocument('connections', { [A]: [wish(BACK)] });
    await again(store);
    expect([...world.fake.endpoints.values()].map(({ network }) => network)).toEqual([BACK]);
    expect(world.networking.service.endpointsOf(A).map(({ network }) => network)).toEqual([BACK]);
  });
});

describe('ports', () => {
  it('of a network that a container is taken off are given back, and come with the next one that leads out', async () => {
    const { networking, fake, run } = world;
    const other = 'e'.repeat(64) as ContainerId;
    await networking.place(run(A, { networks: [wish(FRONT)], ports: [drawn] }));
    const [port] = networking.service.portsOf(A);
    await networking.service.disconnect(A, FRONT, false);
    await networking.service.claimPorts(other, [{ ...drawn, hostPort: port?.hostPort ?? 0 }]);
    networking.service.releasePorts(other);
    await networking.service.connect(A, FRONT, askedFor);
    expect(fake.state?.ports.map(({ containerPort }) => containerPort)).toEqual([80]);
  });
});

it('a network that this host’s routes overlap is not joined, and it is said why', async () => {
  const { networking, run, routes } = world;
  await networking.place(run(A, { networks: [wish(FRONT)] }));
  const block = parseCidr('10.1.0.0/16') ?? expect.fail();
  routes.push({ block, words: '10.1.0.0/16 (eth7)' });
  await networking.start();
  const refusal = {
    code: 'forbidden',
    message: expect.stringMatching(/network back: its route 10\.1\.0\.0\/16 \(eth7\) overlaps/) as string,
  };
  await vi.waitFor(() => expect(world.commands.some(({ kind }) => kind === 'host-facts')).toBe(true));
  await expect(networking.service.connect(A, BACK, askedFor)).rejects.toMatchObject(refusal);
  expect(networking.service.endpointsOf(A)).toHaveLength(1);
});

describe('a network that was made elsewhere a moment ago', () => {
  const late = () => {
    const [made] = world.networks.splice(0, 1);
    return () => {
      world.networks.push(made ?? expect.fail());
      world.agreedChanged();
    };
  };

  it('is waited for by a start, and by a connect', async () => {
    const { networking, run } = world;
    const hear = late();
    const started = networking.place(run(A, { networks: [wish(FRONT)] }));
    await new Promise(setImmediate);
    hear();
    await started;
    expect(networking.service.endpointsOf(A)[0]?.address).toBe('10.0.0.10');
    await networking.service.disconnect(A, FRONT, false);
    const hearAgain = late();
    const connected = networking.service.connect(A, BACK, askedFor);
    await new Promise(setImmediate);
    hearAgain();
    await connected;
  });

  it('is not waited for for ever', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { networking, run } = world;
    late();
    const started = networking.place(run(A, { networks: [wish(FRONT)] })).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await started).toMatchObject({ code: 'not-found' });
    nothingLeft();
    expect(vi.getTimerCount()).toBe(0);
  });
});

it('a default network that is heard of late: a block of it is kept from then on', async () => {
  const { networking, networks, leases, agreedChanged } = world;
  await networking.recover(() => false);
  await networking.start();
  expect(leases.firsts).toEqual([]);
  networks.push({ ...(networks[0] as (typeof networks)[0]), id: 'd'.repeat(64) as NetworkId, name: DEFAULT_NETWORK });
  agreedChanged();
  agreedChanged();
  expect(leases.firsts).toEqual(['d'.repeat(64)]);
});

it('a container whose asked node is dead is forgotten without waiting for that', async () => {
  const { networking, members, requests, run } = world;
  const container = run(A, { networks: [wish(FRONT)], ports: [drawn] }, OTHER);
  await networking.place(container);
  expect(requests).toHaveLength(1);
  members[1] = { ...(members[1] as (typeof members)[1]), state: 'dead' };
  await networking.forget(container, A);
  expect(requests).toHaveLength(1);
  // It hears of it when it is back.
  members[1] = { ...members[1], state: 'alive' };
  networking.see({ kind: 'member-alive', member: members[1], first: false });
  expect(JSON.parse(requests[1]?.body ?? '')).toMatchObject({ container: A, gone: true });
});
