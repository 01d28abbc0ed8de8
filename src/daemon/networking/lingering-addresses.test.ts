import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryStore } from '../../store/fake/memory-store.ts';
import { A, FRONT, makeWorld, OTHER, wish } from './networking-world.test-helper.ts';

const SPEC = { networks: [wish(FRONT)], ports: [{ containerPort: 80, protocol: 'tcp' as const, hostIp: '', hostPort: 0 }] };
const HEARD = async () => ({ status: 200, headers: {}, body: Readable.from([Buffer.from('[]')]) });

describe('an address to which another node may still lead a port', () => {
  let runDir: string;
  let world: ReturnType<typeof makeWorld>;
  let store: MemoryStore;

  beforeEach(async () => {
    runDir = mkdtempSync(join(tmpdir(), 'caravela-lingering-'));
    store = new MemoryStore();
    world = makeWorld(runDir, store);
    await world.networking.place(world.run(A, SPEC, OTHER));
    await world.networking.release(A);
  });
  afterEach(async () => {
    await world.networking.close();
    rmSync(runDir, { recursive: true, force: true });
  });
  const lingering = () => (store.document('lingering-addresses') as readonly object[]).length;

  it('stays in a start that a crash breaks off', async () => {
    world.leases.before = () => new Promise(() => {});
    void world.networking.place(world.run(A, SPEC, OTHER)).catch(() => undefined);
    await expect.poll(() => world.fake.namespaces.size).toBe(1);
    const next = makeWorld(runDir, store);
    await next.networking.recover(() => false);
    expect([...next.leases.used.keys()]).toEqual([`${FRONT} ${A}`]);
    await next.networking.close();
  });

  it('is its container’s once it has started, also for the daemon after a crash just then', async () => {
    const before = store.document('lingering-addresses');
    await world.networking.place(world.run(A, SPEC, OTHER));
    expect(lingering()).toBe(0);
    store.putDocument('lingering-addresses', before);
    const next = makeWorld(runDir, store);
    next.run(A, SPEC, OTHER);
    await next.networking.recover(() => true);
    expect(lingering()).toBe(0);
    expect(next.leases.used.size).toBe(1);
    await next.networking.close();
  });

  it('is not given away by what is heard while its container takes it again', async () => {
    let go = (): void => undefined;
    world.leases.before = () => new Promise((resolve) => (go = resolve));
    const started = world.networking.place(world.run(A, SPEC, OTHER));
    await expect.poll(() => world.fake.namespaces.size).toBe(1);
    world.peers.answer = HEARD;
    const asked = world.requests.length;
    world.networking.see({ kind: 'member-alive', member: { id: OTHER }, first: false } as never);
    await expect.poll(() => world.requests.length).toBeGreaterThan(asked);
    await new Promise((resolve) => setImmediate(resolve));
    expect(world.leases.used.size).toBe(1);
    go();
    await started;
    expect([world.leases.used.size, lingering()]).toEqual([1, 0]);
  });

  it('keeps its network from being removed, for a reason that is told', async () => {
    await expect(world.networking.service.remove(FRONT)).rejects.toThrow(/no container .* but two may still lead .* nodes rm/);
  });

  it('is given back when that node is forgotten', async () => {
    world.members.splice(1, 1);
    await world.networking.service.remove(FRONT);
    expect([world.leases.used.size, lingering()]).toEqual([0, 0]);
  });

  it('is given back without anybody’s asking, some time after that node was forgotten', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      await world.networking.start();
      vi.advanceTimersByTime(120_000);
      expect(lingering()).toBe(1);
      world.members.splice(1, 1);
      vi.advanceTimersByTime(60_000);
      expect([world.leases.used.size, lingering()]).toEqual([0, 0]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is given back when that node was removed', async () => {
    world.nodes.push({ id: OTHER, state: 'removed' });
    await world.networking.service.remove(FRONT);
    expect([world.leases.used.size, lingering()]).toEqual([0, 0]);
  });
});
