import { describe, expect, it } from 'vitest';
import { FakeInstance, type FakeNode } from '../fake-instance.test-helper.ts';

const BUSYBOX = 'docker.io/library/busybox:latest';

async function nodes(...names: string[]): Promise<FakeNode[]> {
  const instance = await FakeInstance.of(...names);
  return names.map((name) => instance.node(name));
}
const get = (node: FakeNode, url: string) => node.api.app.inject(url);

describe('ping', () => {
  it('has the headers that clients read, also without a body', async () => {
    const [one] = (await nodes('node-1')) as [FakeNode];
    const headers = {
      'api-version': '1.47',
      'builder-version': '1',
      'docker-experimental': 'false',
      ostype: 'linux',
      swarm: 'inactive',
      'cache-control': 'no-cache, no-store, must-revalidate',
      pragma: 'no-cache',
      'content-type': 'text/plain; charset=utf-8',
    };
    const full = await get(one, '/_ping');
    expect([full.statusCode, full.body, full.headers]).toEqual([200, 'OK', expect.objectContaining(headers)]);
    const head = await one.api.app.inject({ method: 'HEAD', url: '/v1.41/_ping' });
    expect([head.statusCode, head.body, head.headers]).toEqual([200, '', expect.objectContaining(headers)]);
  });
});

describe('disk usage', () => {
  it('sums up what all nodes have', async () => {
    const [one, two, three] = (await nodes('node-1', 'node-2', 'node-3')) as [FakeNode, FakeNode, FakeNode];
    one.images.put(BUSYBOX, 'a');
    two.images.put(BUSYBOX, 'a');
    two.images.put('', 'b');
    two.put('web', { state: 'running' });
    await three.volumes.here.create({ name: 'data', labels: {}, options: {}, anonymous: false });
    const usage = (await get(one, '/system/df')).json();
    expect(usage).toMatchObject({
      LayersSize: 12_000_000,
      Images: [
        { Id: `sha256:${'a'.repeat(64)}`, Size: 8_000_000, SharedSize: 0, Containers: 0 },
        { Id: `sha256:${'b'.repeat(64)}`, Size: 4_000_000 },
      ],
      Containers: [{ Names: ['/web'] }],
      Volumes: [{ Name: 'data', UsageData: { Size: 1_000, RefCount: 0 }, Node: { Name: 'node-3' } }],
      BuildCache: [],
    });
    expect(usage.Containers[0].SizeRw).toEqual(expect.any(Number));
  });

  it('counts what is asked for only', async () => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    one.images.put(BUSYBOX, 'a');
    two.put('web', { state: 'running' });
    const usage = (await get(one, '/system/df?type=container&type=volume')).json();
    expect([usage.LayersSize, usage.Images, usage.Containers.length]).toEqual([0, [], 1]);
    expect((await get(one, '/system/df?type=everything')).statusCode).toBe(400);
  });
});

describe('info', () => {
  it('has each field that clients look into', async () => {
    const [one, two] = (await nodes('node-1', 'node-2')) as [FakeNode, FakeNode];
    two.put('web', { state: 'running' });
    for (const node of [one, two]) node.images.put(BUSYBOX, 'a');
    two.images.put('', 'b');
    const info = (await get(one, '/info')).json();
    expect(info).toMatchObject({
      Containers: 1,
      ContainersRunning: 1,
      ContainersPaused: 0,
      ContainersStopped: 0,
      Images: 2,
      Plugins: { Volume: ['local'] },
      RegistryConfig: { IndexConfigs: { 'docker.io': { Official: true, Secure: true }, '10.0.0.1:5000': { Secure: false } } },
      Swarm: { LocalNodeState: 'inactive', RemoteManagers: null },
      ContainerdCommit: { ID: '' },
    });
  });
});
