import fc from 'fast-check';
import Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import type { Request } from '../../../core/model/index.ts';
import type { ContainerSpec, MountWish } from '../../../engine/port.ts';
import { FakeInstance, type FakeNode } from '../../fake-instance.test-helper.ts';
import { ApiError } from '../../http/api-error.ts';
import { checked } from '../../http/check.ts';
import { CREATE_BODY } from '../create-body.ts';
import { checkMounts } from './check-mounts.ts';
import { parseBind, pathOf } from './parse-binds.ts';
import { parseTmpfs } from './parse-tmpfs.ts';

const mountsOf = (HostConfig: object, more: object = {}): readonly MountWish[] =>
  checkMounts(checked(CREATE_BODY, { Image: 'busybox', HostConfig, ...more }, 'the body')).mounts;
const bind = { kind: 'bind', readOnly: false, propagation: 'rprivate', createSource: true };
const volume = { kind: 'volume', readOnly: false, anonymous: false, noCopy: false, labels: {} };

describe('mounts of a create', () => {
  it.each<[string, object]>([
    ['/src:/dst', { ...bind, source: '/src', target: '/dst' }],
    ['/src/:/dst//x/.:ro,rslave,Z', { ...bind, source: '/src', target: '/dst/x', readOnly: true, propagation: 'rslave' }],
    ['data:/dst:rw,nocopy', { ...volume, name: 'data', target: '/dst', noCopy: true }],
    ['/only', { ...volume, name: '', anonymous: true, target: '/only' }],
  ])('are read from -v %s', (text, expected) => {
    expect(mountsOf({ Binds: [text] })).toEqual([expected]);
  });

  it.each([
    '',
    ':/x',
    '/a:',
    '/a:b',
    '/a:/b:c:d',
    '/a:/b:odd',
    '/a:/b:ro,rw',
    '/a:/b:nocopy',
    'x:/b',
    '../x:/b',
    'data:/b:rslave',
    '/a:/',
    '/a:/b/..',
    'a\0b:/c',
  ])('are refused as -v %j', (text) => {
    expect(() => mountsOf({ Binds: [text] })).toThrow(ApiError);
  });

  it('are read from --mount, --tmpfs and the configuration’s volumes', () => {
    const Mounts = [
      { Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true, BindOptions: { Propagation: 'shared', NonRecursive: true } },
      {
        Type: 'volume',
        Source: 'data',
        Target: '/c',
        VolumeOptions: { NoCopy: true, Labels: { a: 'b' }, DriverConfig: { Name: 'local' } },
      },
      { Type: 'volume', Target: '/d' },
      { Type: 'tmpfs', Target: '/e', TmpfsOptions: { SizeBytes: 1024, Mode: 0o700 } },
    ];
    expect(mountsOf({ Mounts, Tmpfs: { '/f': 'rw,size=64m,mode=755,exec,uid=7' } }, { Volumes: { '/g': {}, '/c': {} } })).toEqual([
      { ...bind, source: '/a', target: '/b', readOnly: true, propagation: 'shared', createSource: false, nonRecursive: true },
      { ...volume, name: 'data', target: '/c', noCopy: true, labels: { a: 'b' } },
      { ...volume, name: '', anonymous: true, target: '/d' },
      { kind: 'tmpfs', target: '/e', readOnly: false, sizeBytes: 1024, mode: 0o700, options: [] },
      {
        kind: 'tmpfs',
        target: '/f',
        readOnly: false,
        sizeBytes: 64 * 1024 * 1024,
        mode: 0o755,
        options: ['nosuid', 'nodev', 'exec', 'uid=7'],
      },
      { ...volume, name: '', anonymous: true, target: '/g' },
    ]);
  });

  it.each<[object, number, string]>([
    [{ Mounts: [{ Type: 'bind', Target: '/b' }] }, 400, 'invalid mount config for type "bind": field Source must not be empty'],
    [{ Mounts: [{ Type: 'bind', Source: 'a', Target: '/b' }] }, 400, "invalid mount path: 'a' mount path must be absolute"],
    [{ Mounts: [{ Type: 'volume', Source: 'a' }] }, 400, 'field Target must not be empty'],
    [{ Mounts: [{ Type: 'tmpfs', Source: 'a', Target: '/b' }] }, 400, 'field Source must not be specified'],
    [{ Mounts: [{ Type: 'tmpfs', Target: '/b', BindOptions: {} }] }, 400, 'field BindOptions must not be specified'],
    [{ Mounts: [{ Type: 'npipe', Source: 'a', Target: '/b' }] }, 400, 'mount type unknown'],
    [{ Mounts: [{ Type: 'volume', Source: 'data', Target: '/b', VolumeOptions: { DriverConfig: { Name: 'nfs' } } }] }, 501, '"nfs"'],
    [{ Mounts: [{ Type: 'volume', Source: 'data', Target: '/b', VolumeOptions: { Subpath: 'x' } }] }, 501, 'volume-subpath'],
    [{ VolumeDriver: 'nfs', Binds: ['data:/b'] }, 501, 'volume drivers'],
    [{ Binds: ['/a:/x'], Tmpfs: { '/x/': '' } }, 400, 'Duplicate mount point: /x'],
    [{ Tmpfs: { '/x': 'size=lots' } }, 400, 'size=lots'],
    [{ Tmpfs: { x: '' } }, 400, 'must be absolute'],
    [{ VolumesFrom: ['web:odd'] }, 400, 'volumes-from'],
    [{ Binds: Array.from({ length: 300 }, (_, i) => `/a:/x${i}`) }, 400, '256 mounts'],
  ])('refuses %j', (HostConfig, status, words) => {
    expect(() => mountsOf(HostConfig)).toThrow(expect.objectContaining({ status, message: expect.stringContaining(words) as string }));
  });

  it('need no driver where there is no volume for it', () => {
    const Mounts = [{ Type: 'volume', Source: 'data', Target: '/c' }];
    expect(mountsOf({ VolumeDriver: 'nfs' })).toEqual([]);
    expect(mountsOf({ VolumeDriver: 'nfs', Binds: ['/src:/dst'], Mounts })).toHaveLength(2);
    expect(mountsOf({ VolumeDriver: 'local', Binds: ['data:/b'] })).toHaveLength(1);
    expect(() => mountsOf({ VolumeDriver: 'nfs' }, { Volumes: { '/own': {} } })).toThrow('volume drivers');
  });

  it('never leads out of the container, nor fails in another way than by refusing', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('/', '.', ':', 'a', 'r', 'o', ',', '\0', '=') }), (text) => {
        const tried = (parse: () => MountWish): void => {
          try {
            const { target } = parse();
            expect(target).toMatch(/^\/[^\0]+$/);
            expect(target).toBe(pathOf(target));
            expect(target.split('/')).not.toContain('..');
          } catch (error) {
            if (!(error instanceof ApiError)) throw error;
          }
        };
        tried(() => parseBind(text));
        tried(() => parseTmpfs(`/${text}`, text));
      }),
    );
  });
});

async function instanceOf(...names: string[]) {
  const instance = await FakeInstance.of(...names);
  for (const node of instance.nodes) node.images.put('docker.io/library/busybox:latest', '7');
  const [asked, second, third] = instance.nodes as [FakeNode, FakeNode, FakeNode];
  const docker = new Docker({ socketPath: asked.socketPath });
  const create = async (HostConfig: object, more: object = {}) => {
    const response = await asked.api.app.inject({
      method: 'POST',
      url: '/containers/create',
      payload: { Image: 'busybox', HostConfig, ...more },
    });
    return { status: response.statusCode, body: response.json<{ Id: string; message?: string }>() };
  };
  return { instance, asked, second, third, docker, create };
}

function lastRun(node: FakeNode): { readonly request: Request; readonly spec: ContainerSpec } {
  const run = node.commands.findLast((command) => command.kind === 'run');
  if (run?.kind !== 'run') throw new Error('nothing was run');
  return { request: run.request, spec: JSON.parse(run.request.spec) as ContainerSpec };
}

const node = (name: string) => ({ key: 'node', operator: '==', value: name, soft: false });

describe('where mounts lead a container', () => {
  it('is the node that was asked for a bind mount, unless a constraint names another', async () => {
    const t = await instanceOf('node-1', 'node-2', 'node-3');
    expect((await t.create({ Binds: ['/a:/b'] })).status).toBe(201);
    expect(lastRun(t.asked).request.constraints).toEqual([node('node-1')]);
    await t.create({ Binds: ['/a:/b'] }, { Caravela: { Constraints: ['node==node-2'] } });
    expect(lastRun(t.asked).request.constraints).toEqual([node('node-2')]);
    await t.create({});
    expect(lastRun(t.asked).request.constraints).toEqual([]);
    expect(lastRun(t.asked).spec.mounts).toBeUndefined();
  });

  it('is a named volume’s node, any for one that is new or unnamed', async () => {
    const t = await instanceOf('node-1', 'node-2', 'node-3');
    t.instance.agreedVolumes.set('data', t.second.id);
    await t.create({ Binds: ['data:/b'] });
    expect(lastRun(t.asked).request.constraints).toEqual([node('node-2')]);
    await t.create({ Binds: ['fresh:/b'] }, { Volumes: { '/c': {} } });
    const { request, spec } = lastRun(t.asked);
    expect(request.constraints).toEqual([]);
    expect(spec.mounts).toMatchObject([
      { name: 'fresh', anonymous: false },
      { name: expect.stringMatching(/^[0-9a-f]{64}$/) as string, anonymous: true, target: '/c' },
    ]);
    const both = await t.create({ Binds: ['data:/b', '/a:/c'] });
    expect([both.status, both.body.message]).toEqual([
      409,
      "one container can't have all of its mounts: volume data is on node node-2, the directory /a is on node node-1",
    ]);
    t.instance.agreedVolumes.set('more', t.third.id);
    expect((await t.create({ Binds: ['data:/b', 'more:/c'] })).status).toBe(409);
  });

  it.each<[object, string | number]>([
    [{ Binds: ['/:/host:ro'] }, 'rslave'],
    [{ Binds: ['/run/caravela/caravela.sock:/x'] }, 'rslave'],
    [{ Binds: ['/:/host:ro,rshared'] }, 'rshared'],
    [{ Binds: ['/:/host:rprivate'] }, 400],
    [{ Mounts: [{ Type: 'bind', Source: '/var/lib', Target: '/x' }] }, 'rslave'],
    [{ Mounts: [{ Type: 'bind', Source: '/var/lib', Target: '/x', BindOptions: { Propagation: 'private' } }] }, 400],
    [{ Binds: ['/srv:/x'] }, 'rprivate'],
  ])('hears of containers’ roots that go, if they are below it: %j', async (HostConfig, expected) => {
    const t = await instanceOf('node-1');
    const { status } = await t.create(HostConfig);
    const [mount] = status === 201 ? (lastRun(t.asked).spec.mounts ?? []) : [];
    expect(mount?.kind === 'bind' ? mount.propagation : status).toBe(expected);
  });

  it('is tried once more where another node was first to use a new volume', async () => {
    const t = await instanceOf('node-1', 'node-2');
    t.asked.refuseNext = {
      code: 'engine-failed',
      message: 'node-1 could not launch it: volume data is on node node-2, where its containers go',
    };
    t.asked.placeOn = t.second;
    setTimeout(() => t.instance.agreedVolumes.set('data', t.second.id), 50);
    expect((await t.create({ Binds: ['data:/b'] })).status).toBe(201);
    const runs = t.asked.commands.filter((command) => command.kind === 'run');
    expect(runs.map((run) => run.kind === 'run' && run.request.constraints)).toEqual([[], [node('node-2')]]);
  });

  it('is the node of the container whose volumes it has', async () => {
    const t = await instanceOf('node-1', 'node-2', 'node-3');
    const anonymous = 'ab'.repeat(32);
    const mounts: MountWish[] = [
      { ...(volume as MountWish & { kind: 'volume' }), name: 'data', target: '/data', readOnly: true },
      { ...(volume as MountWish & { kind: 'volume' }), name: anonymous, anonymous: true, target: '/own' },
      { kind: 'bind', source: '/host', target: '/host', readOnly: false, propagation: 'rslave', createSource: true },
      { kind: 'tmpfs', target: '/run', readOnly: false, sizeBytes: 0, mode: 0o1777, options: [] },
    ];
    const { containerId } = t.second.put('donor', { spec: { mounts } }).request;
    expect((await t.create({ VolumesFrom: ['donor:ro'], Tmpfs: { '/host': '' } })).status).toBe(201);
    const { request, spec } = lastRun(t.asked);
    expect(request.affinities).toEqual([{ subject: 'container', key: '', operator: '==', value: containerId, soft: false }]);
    expect(spec.mounts?.map(({ kind, target, readOnly }) => [kind, target, readOnly])).toEqual([
      ['volume', '/data', true],
      ['volume', '/own', true],
      ['tmpfs', '/host', false],
    ]);
    // What nobody named gives way to what the other has there.
    expect((await t.create({ VolumesFrom: ['donor'] }, { Volumes: { '/own': {}, '/more': {} } })).status).toBe(201);
    expect(lastRun(t.asked).spec.mounts?.filter(({ target }) => target === '/own')).toMatchObject([{ name: anonymous }]);
    expect(lastRun(t.asked).spec.mounts?.filter(({ target }) => target === '/more')).toHaveLength(1);
    // Who has none, or none that is taken over, ties nobody to its node.
    t.third.put('bare', { spec: { mounts: mounts.slice(3) } });
    expect((await t.create({ VolumesFrom: ['bare', 'donor'] })).status).toBe(201);
    expect(lastRun(t.asked).request.affinities.map(({ value }) => value)).toEqual([containerId]);
    const missing = await t.create({ VolumesFrom: ['nope'] });
    expect([missing.status, missing.body.message]).toEqual([400, 'No such container: nope']);
  });

  it('is that of the container whose namespaces it shares', async () => {
    const t = await instanceOf('node-1', 'node-2');
    const { containerId } = t.second.put('web', { state: 'running' }).request;
    await t.create({ PidMode: 'container:web', IpcMode: 'host' });
    const { request, spec } = lastRun(t.asked);
    expect(request.affinities).toEqual([{ subject: 'container', key: '', operator: '==', value: containerId, soft: false }]);
    expect(spec.extras).toEqual({ pidMode: `container:${containerId}`, ipcMode: 'host' });
  });
});

describe('inspect', () => {
  it('tells mounts and options as they were asked for, and as they are', async () => {
    const t = await instanceOf('node-1');
    const HostConfig = {
      Binds: ['/a:/b:ro', 'data:/c'],
      Mounts: [{ Type: 'volume', Source: 'more', Target: '/d' }],
      Tmpfs: { '/run': 'size=1m' },
      Privileged: true,
      CpuQuota: 150_000,
      MemoryReservation: 8 * 1024 * 1024,
      OomScoreAdj: 7,
      ShmSize: 1024,
      Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }],
      Sysctls: { 'net.core.somaxconn': '10' },
      GroupAdd: ['audio'],
      Devices: [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'rw' }],
      SecurityOpt: ['no-new-privileges'],
      UTSMode: 'host',
      CpusetCpus: '0-1',
    };
    const Healthcheck = { Test: ['CMD', 'true'], Interval: 1_000_000_000, Timeout: 0, StartPeriod: 0, Retries: 2 };
    const { body } = await t.create(HostConfig, { Volumes: { '/v': {} }, Healthcheck });
    await t.asked.volumes.here.create({ name: 'data', labels: {}, options: {}, anonymous: false });
    const found = await t.docker.getContainer(body.Id).inspect();
    expect(found.HostConfig).toMatchObject({ ...HostConfig, NanoCpus: 0 });
    expect(found.Config).toMatchObject({ Volumes: { '/v': {} }, Healthcheck });
    expect(found.Mounts.map(({ Type, Destination, Source, RW }) => [Type, Destination, Source, RW])).toEqual([
      ['bind', '/b', '/a', false],
      ['volume', '/c', '/var/lib/caravela/volumes/data/_data', true],
      ['volume', '/d', '', true],
      ['volume', '/v', '', true],
    ]);
    expect(lastRun(t.asked).request.resources.cpuMillicores).toBe(1_500);
  });
});
