import { describe, expect, it } from 'vitest';
import { UNREACHABLE_HEADER } from '../../docker-api/caravela-types.ts';
import type { ContainerSpec } from '../../engine/port.ts';
import type { FakeNode } from '../fake-instance.test-helper.ts';
import { instanceWith } from '../instance-with.test-helper.ts';

const post = (node: FakeNode, url: string, payload: object = {}) => node.api.app.inject({ method: 'POST', url, payload });
const said = (response: { json(): unknown }): string => (response.json() as { message: string }).message;

describe.each(['here', 'there'] as const)('a change of a container %s', (where) => {
  it('pauses it and lets it go on, as inspect and ps say', async () => {
    const t = await instanceWith(where);
    await t.container.pause();
    expect((await t.container.inspect()).State).toMatchObject({ Status: 'paused', Paused: true, Running: true, ExitCode: 0 });
    const [row] = await t.docker.listContainers();
    expect([row?.State, row?.Status]).toEqual(['paused', 'Up About a minute (Paused)']);
    expect(await t.docker.listContainers({ filters: { status: ['paused'] } })).toHaveLength(1);
    expect(await t.docker.listContainers({ filters: { status: ['running'] } })).toHaveLength(0);
    await expect(t.container.pause()).rejects.toMatchObject({ statusCode: 409 });
    await expect(t.container.attach({ stream: true, stdout: true })).rejects.toMatchObject({ statusCode: 409 });
    await t.container.unpause();
    expect((await t.container.inspect()).State).toMatchObject({ Status: 'running', Paused: false });
    await expect(t.container.unpause()).rejects.toMatchObject({ statusCode: 500 });
    t.home.exit(t.containerId, 0);
    await expect(t.container.pause()).rejects.toMatchObject({ statusCode: 409 });
  });

  it('takes no wishes with a start, as Docker: they are said when it is created', async () => {
    const t = await instanceWith(where);
    const start = '/containers/web/start';
    const refused = await post(t.asked, start, { Binds: ['/tmp:/foo'] });
    expect([refused.statusCode, said(refused)]).toEqual([400, expect.stringMatching(/^starting container with non-empty request body/)]);
    const untold = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
    expect((await t.asked.api.app.inject({ method: 'POST', url: start, headers: untold })).statusCode).toBe(400);
    expect((await post(t.asked, start)).statusCode).toBe(304);
  });

  it('names it anew, unless another has that name anywhere', async () => {
    const t = await instanceWith(where);
    t.instance.node('node-3').put('taken');
    const taken = await post(t.asked, '/containers/web/rename?name=taken');
    expect([taken.statusCode, said(taken)]).toEqual([409, expect.stringContaining('The container name "/taken" is already in use')]);
    await t.container.rename({ name: 'shop' });
    expect((await t.docker.getContainer('shop').inspect()).Name).toBe('/shop');
    expect((await post(t.asked, '/containers/shop/rename?name=')).statusCode).toBe(400);
    expect((await post(t.asked, '/containers/shop/rename?name=shop')).statusCode).toBe(400);
    expect((await post(t.asked, '/containers/shop/rename?name=!')).statusCode).toBe(400);
    t.home.refuseNext = { code: 'name-taken', message: 'taken' };
    expect((await post(t.asked, '/containers/shop/rename?name=raced')).statusCode).toBe(409);
  });

  it('limits it anew: what is not named stays', async () => {
    const t = await instanceWith(where);
    const MiB = 1024 * 1024;
    expect(await t.container.update({ NanoCpus: 1_500_000_000, Memory: 256 * MiB, PidsLimit: 50 })).toEqual({ Warnings: [] });
    expect(t.home.container(t.containerId)?.request.resources).toEqual({ cpuMillicores: 1_500, memoryBytes: 256 * MiB });
    await t.container.update({ CpusetCpus: '0-1', RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } });
    const { request } = t.home.container(t.containerId) ?? {};
    expect(request?.resources).toEqual({ cpuMillicores: 1_500, memoryBytes: 256 * MiB });
    expect(request?.restart).toEqual({ name: 'on-failure', maximumRetries: 3 });
    expect(JSON.parse(request?.spec ?? '') as ContainerSpec).toMatchObject({
      nanoCpus: 1_500_000_000,
      memoryBytes: 256 * MiB,
      pidsLimit: 50,
      extras: { cpusetCpus: '0-1' },
    });
    expect((await t.container.inspect()).HostConfig).toMatchObject({ NanoCpus: 1_500_000_000, CpusetCpus: '0-1', PidsLimit: 50 });
    await t.container.update({ CpuQuota: -1, PidsLimit: 60 });
    expect((await t.container.inspect()).HostConfig).toMatchObject({ CpuQuota: -1, PidsLimit: 60 });
    expect(t.home.container(t.containerId)?.request.resources.cpuMillicores).toBe(1_500);
    expect((await post(t.asked, '/v1.39/containers/web/update', { PidsLimit: 70 })).statusCode).toBe(200);
    expect((await t.container.inspect()).HostConfig.PidsLimit).toBe(60);
    await t.container.update({ PidsLimit: -1 });
    expect((await t.container.inspect()).HostConfig.PidsLimit).toBe(0);
    for (const [body, status] of [
      [{ Memory: 1 }, 400],
      [{ MemorySwap: 1024 * MiB, Memory: 2048 * MiB }, 400],
      [{ CpusetCpus: '0-' }, 400],
      [{ CpuQuota: 50_000 }, 409],
      [{ CpuPeriod: 50_000 }, 409],
      [{ BlkioWeight: 10 }, 501],
      [{ RestartPolicy: { Name: 'sometimes' } }, 400],
    ] as const) {
      expect([body, (await post(t.asked, '/containers/web/update', body)).statusCode]).toEqual([body, status]);
    }
    t.home.refuseNext = { code: 'no-room', message: 'the node has 100 MiB free' };
    const full = await post(t.asked, '/containers/web/update', { Memory: 512 * MiB });
    expect([full.statusCode, said(full)]).toEqual([503, 'the node has 100 MiB free']);
  });

  it('takes limits away again where Docker has a word for that', async () => {
    const t = await instanceWith(where);
    const now = async () => (await t.container.inspect()).HostConfig;
    await t.container.update({ CpuQuota: 50_000, CpuPeriod: 100_000, PidsLimit: 50, Memory: 64 << 20, MemorySwap: 96 << 20 });
    expect(await now()).toMatchObject({ CpuQuota: 50_000, PidsLimit: 50, MemorySwap: 96 << 20 });
    expect(t.home.container(t.containerId)?.request.resources.cpuMillicores).toBe(500);
    const refused = await post(t.asked, '/containers/web/update', { NanoCpus: 1_000_000_000 });
    expect([refused.statusCode, said(refused)]).toEqual([
      409,
      'Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set',
    ]);
    await t.container.update({ CpuQuota: -1, PidsLimit: -1, MemorySwap: -1 });
    expect(await now()).toMatchObject({ CpuQuota: -1, PidsLimit: 0, MemorySwap: -1, Memory: 64 << 20 });
    // The engine is told, too: what is absent would stay.
    expect((JSON.parse(t.home.container(t.containerId)?.request.spec ?? '') as ContainerSpec).extras?.cpuQuota).toBe(-1);
    expect(t.home.container(t.containerId)?.request.resources.cpuMillicores).toBe(100);
  });

  it('removes the volumes that nobody named where that is asked for', async () => {
    const t = await instanceWith(where);
    await t.container.remove({ v: true, force: true });
    expect(t.home.commands.at(-1)).toMatchObject({ kind: 'remove', force: true, volumes: true });
  });
});

describe('prune', () => {
  it('removes what does not run on all nodes, by label and age, and says whom it could not ask', async () => {
    const t = await instanceWith('here');
    const labels = { keep: 'yes' };
    const removed = [t.asked.put('a', { state: 'exited' }), t.second.put('b', { state: 'exited' }), t.second.put('c')];
    t.second.put('kept', { state: 'exited', spec: { labels } });
    t.instance.node('node-3').state = 'dead';
    const response = await post(t.asked, `/containers/prune?filters=${encodeURIComponent('{"label!":["keep"]}')}`);
    expect(response.json<{ ContainersDeleted: string[] }>().ContainersDeleted.sort()).toEqual(
      removed.map(({ request }) => request.containerId).sort(),
    );
    expect(response.json()).toMatchObject({ SpaceReclaimed: 36 });
    expect(response.headers[UNREACHABLE_HEADER.toLowerCase()]).toBe('node-3');
    t.instance.node('node-3').state = 'alive';
    expect((await t.docker.listContainers({ all: true })).map(({ Names }) => Names[0] ?? '').sort()).toEqual(['/kept', '/web']);
    const old = await post(t.asked, `/containers/prune?filters=${encodeURIComponent('{"until":["1h"]}')}`);
    expect(old.json()).toEqual({ ContainersDeleted: null, SpaceReclaimed: 0 });
    expect((await post(t.asked, `/containers/prune?filters=${encodeURIComponent('{"name":["x"]}')}`)).statusCode).toBe(400);
  });
});

describe('the list of containers', () => {
  it('shows health and sizes, and is filtered by both, by volumes and by age', async () => {
    const t = await instanceWith('there');
    t.second.access.healths.set(t.containerId, { status: 'healthy', failingStreak: 0, log: [] });
    const mounts = [
      { kind: 'volume' as const, target: '/data', readOnly: true, name: 'files', anonymous: false, noCopy: false, labels: {} },
    ];
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
    const bind = {
      kind: 'bind' as const,
      source: '/srv',
      target: '/host',
      readOnly: false,
      propagation: 'rprivate' as const,
      createSource: false,
    };
    t.asked.put('disk', { state: 'running', spec: { mounts } });
    const names = async (filters: object): Promise<string[]> =>
      (await t.docker.listContainers({ all: true, filters: JSON.stringify(filters) as never })).map(({ Names }) => Names[0] ?? '').sort();
    const rows = await t.docker.listContainers({ size: true } as object);
    expect(rows.find(({ Names }) => Names[0] === '/web')).toMatchObject({
      Status: 'Up About a minute (healthy)',
      SizeRw: 12,
      SizeRootFs: 4_000_012,
    });
    expect(rows.find(({ Names }) => Names[0] === '/disk')?.Mounts).toEqual([
      { Type: 'volume', Name: 'files', Source: '', Destination: '/data', Driver: 'local', Mode: 'ro', RW: false, Propagation: '' },
    ]);
    expect(await names({ health: ['healthy'] })).toEqual(['/web']);
    expect(await names({ health: ['none'] })).toEqual(['/disk']);
    expect(await names({ volume: ['files'] })).toEqual(['/disk']);
    expect(await names({ volume: ['/data'] })).toEqual(['/disk']);
    expect(await names({ before: ['disk'] })).toEqual(['/web']);
    expect(await names({ since: ['web'] })).toEqual(['/disk']);
    expect(await names({ 'is-task': ['true'] })).toEqual([]);
    t.asked.put('bound', { spec: { mounts: [bind] } });
    expect(await names({ volume: ['/srv'] })).toEqual(['/bound']);
    await expect(names({ before: ['nope'] })).rejects.toMatchObject({ statusCode: 404 });
    await expect(names({ health: ['odd'] })).rejects.toMatchObject({ statusCode: 400 });
    expect((await t.docker.getContainer('web').inspect()).State).toMatchObject({
      Health: { Status: 'healthy', FailingStreak: 0, Log: [] },
    });
  });
});
