import { describe, expect, it } from 'vitest';
import type { NodeId, Placement, Request, RequestId } from '../../../core/model/index.ts';
import type { ContainerSpec } from '../../../engine/port.ts';
import { parseIpv4 } from '../../../lib/ipv4.ts';
import { portBindingsOf } from '../network-settings.ts';
import { FakeInstance, type FakeNode } from '../../fake-instance.test-helper.ts';
import { NetworkRefused } from '../../network-service.ts';

const post = (node: FakeNode, url: string, payload: object) => node.api.app.inject({ method: 'POST', url, payload });
const said = (response: { statusCode: number; json(): unknown }) => [response.statusCode, (response.json() as { message: string }).message];

async function nodes(): Promise<readonly [FakeNode, FakeNode]> {
  const instance = await FakeInstance.of('node-1', 'node-2');
  for (const node of instance.nodes) node.images.put('docker.io/library/busybox:latest', '7');
  const [first] = instance.nodes as [FakeNode];
  await first.networks.create({ name: 'blue', subnet: '10.9.8.0/24', gateway: undefined, internal: false, labels: {}, options: {} });
  return instance.nodes as unknown as [FakeNode, FakeNode];
}

async function create(node: FakeNode, body: object) {
  const response = await post(node, '/containers/create', { Image: 'busybox', ...body });
  const run = node.commands.findLast((command) => command.kind === 'run');
  const request: Request | undefined = run?.request;
  return { response, request, spec: JSON.parse(request?.spec ?? '{}') as ContainerSpec };
}

const network = (node: FakeNode, name: string) => {
  const found = node.networks.list().find((n) => n.name === name);
  if (found === undefined) throw new Error(`no network ${name}`);
  return found;
};
const config = (IPv4Address: string, more: object = {}) => ({ IPAMConfig: { IPv4Address }, ...more });

/** One node was asked, and has a port no more. */
const refusedBy = (detail: string): Placement => ({
  requestId: 'a'.repeat(32) as RequestId,
  wanted: { cpuMillicores: 100, memoryBytes: 1 },
  policy: 'binpack',
  buyer: 'b'.repeat(32) as NodeId,
  supplier: undefined,
  attempts: 1,
  by: 'direct',
  tookMs: 1,
  considered: [
    { nodeId: 'c'.repeat(32) as NodeId, name: 'node-2', accepted: false, reason: 'port', detail, free: undefined, score: undefined },
  ],
});

describe('the networks of a create', () => {
  it.each(['', 'default', 'bridge', 'caravela'])('are the default one for %j', async (NetworkMode) => {
    const [node] = await nodes();
    const { id, vni } = network(node, 'caravela');
    const { spec, request, response } = await create(node, { HostConfig: { NetworkMode } });
    expect(response.json()).toMatchObject({ Warnings: [] });
    expect([spec.networkMode, spec.networks]).toEqual([
      'networks',
      [{ network: id, networkName: 'caravela', vni, ip: '', aliases: [], mac: '' }],
    ]);
    expect(request?.vnis).toEqual([vni]);
  });

  it('are those named, the mode’s first, each once', async () => {
    const [node] = await nodes();
    const blue = network(node, 'blue');
    const { spec, request } = await create(node, {
      MacAddress: '02:42:AC:00:00:09',
      HostConfig: { NetworkMode: 'blue' },
      NetworkingConfig: {
        EndpointsConfig: { bridge: { Aliases: ['b'] }, [blue.id.slice(0, 12)]: config('10.9.8.7', { Aliases: ['www', 'www'] }) },
      },
    });
    expect(spec.networks.map((n) => [n.networkName, n.ip, n.aliases, n.mac])).toEqual([
      ['blue', '10.9.8.7', ['www'], '02:42:ac:00:00:09'],
      ['caravela', '', ['b'], ''],
    ]);
    expect(request?.vnis).toEqual([blue.vni, network(node, 'caravela').vni]);
    const plain = await create(node, { MacAddress: '02:42:AC:00:00:09', NetworkingConfig: { EndpointsConfig: { blue: {} } } });
    expect(plain.spec.networks.map((n) => [n.networkName, n.mac])).toEqual([['blue', '02:42:ac:00:00:09']]);
  });

  it('have links, which the mode’s network has where only the host’s wishes name some', async () => {
    const [node] = await nodes();
    const db = { container: 'proj_db_1', alias: 'db' };
    const byHost = await create(node, { HostConfig: { NetworkMode: 'blue', Links: ['proj_db_1:db', '/proj_db_1:/web/db', 'cache'] } });
    expect(byHost.spec.networks.map(({ links }) => links)).toEqual([[db, db, { container: 'cache', alias: 'cache' }]]);
    const { Id } = byHost.response.json<{ Id: string }>();
    const name = byHost.request?.name ?? '';
    const seen = (await node.api.app.inject({ url: `/containers/${Id}/json` })).json<{
      HostConfig: { Links: unknown };
      NetworkSettings: { Networks: Record<string, { Links: unknown }> };
    }>();
    expect([seen.HostConfig.Links, seen.NetworkSettings.Networks['blue']?.Links]).toEqual([
      [`/proj_db_1:/${name}/db`, `/proj_db_1:/${name}/db`, `/cache:/${name}/cache`],
      ['proj_db_1:db', 'proj_db_1:db', 'cache:cache'],
    ]);
    const byEndpoint = await create(node, {
      HostConfig: { NetworkMode: 'blue', Links: ['other'] },
      NetworkingConfig: { EndpointsConfig: { blue: { Links: ['proj_db_1:db'] } } },
    });
    expect(byEndpoint.spec.networks.map(({ links }) => links)).toEqual([[db]]);
    expect((await create(node, { HostConfig: { NetworkMode: 'blue' } })).spec.networks).toEqual([
      expect.not.objectContaining({ links: expect.anything() }),
    ]);
  });

  it('may be a block, whose network is found or made', async () => {
    const [node] = await nodes();
    expect((await create(node, { HostConfig: { NetworkMode: '10.9.8.0/24' } })).spec.networks[0]?.networkName).toBe('blue');
    const made = await create(node, { HostConfig: { NetworkMode: '10.77.0.0/16' } });
    expect(made.spec.networks[0]?.network).toBe(node.networks.list().at(-1)?.id);
    expect(node.networks.list().at(-1)?.subnet).toEqual({ base: parseIpv4('10.77.0.0'), prefix: 16 });
    const count = node.networks.list().length;
    const part = { body: { Image: 'busybox', HostConfig: { NetworkMode: '10.78.0.0/16' } } };
    expect((await post(node, '/caravela/v1/plan', { parts: [part] })).statusCode).toBe(200);
    expect(node.networks.list()).toHaveLength(count);
  });

  it('of another container bring it to that one’s node', async () => {
    const [node, other] = await nodes();
    const { containerId } = other.put('web', { state: 'running' }).request;
    const { spec, request } = await create(node, { HostConfig: { NetworkMode: 'container:web' } });
    expect([spec.networkMode, spec.networkOf, spec.networks]).toEqual(['container', containerId, []]);
    expect(request?.affinities).toEqual([{ subject: 'container', key: '', operator: '==', value: containerId, soft: false }]);
  });

  it.each([
    [{ HostConfig: { NetworkMode: 'nope' } }, 400, 'network nope not found'],
    [{ HostConfig: { NetworkMode: '10.0.0/24' } }, 400, 'invalid network "10.0.0/24": neither a name nor an IPv4 block'],
    [{ HostConfig: { NetworkMode: 'container:nope' } }, 400, 'No such container: nope'],
    [{ HostConfig: { NetworkMode: 'container:' } }, 400, 'invalid container format container:<name|id>'],
    [{ NetworkingConfig: { EndpointsConfig: { blue: {}, host: {} } } }, 400, "can't have network host, too"],
    [{ HostConfig: { NetworkMode: 'host' }, NetworkingConfig: { EndpointsConfig: { blue: {} } } }, 400, "can't be on network blue, too"],
    [{ NetworkingConfig: { EndpointsConfig: { blue: config('10.9.8') } } }, 400, 'invalid IPv4 address: "10.9.8"'],
    [{ NetworkingConfig: { EndpointsConfig: { blue: config('10.9.9.1') } } }, 400, 'not in the subnet 10.9.8.0/24 of network blue'],
    [{ NetworkingConfig: { EndpointsConfig: { blue: config('10.9.8.0') } } }, 400, 'the network address of network blue'],
    [{ NetworkingConfig: { EndpointsConfig: { blue: config('10.9.8.1') } } }, 400, 'the gateway address of network blue'],
    [{ NetworkingConfig: { EndpointsConfig: { blue: config('10.9.8.255') } } }, 400, 'the broadcast address of network blue'],
    [
      { NetworkingConfig: { EndpointsConfig: { blue: { Aliases: ['a'] }, '10.9.8.0/24': { Aliases: ['b'] } } } },
      400,
      'network blue is named twice',
    ],
    [{ NetworkingConfig: { EndpointsConfig: { blue: { Links: ['a:b:c'] } } } }, 400, 'bad format for links: "a:b:c"'],
    [{ HostConfig: { NetworkMode: 'host', Links: ['db'] } }, 400, 'conflicting options: links and the network mode host'],
    [{ NetworkingConfig: { EndpointsConfig: { blue: { IPAMConfig: { IPv6Address: 'fd00::1' } } } } }, 501, '--ip6'],
    [
      { HostConfig: { NetworkMode: 'none' }, NetworkingConfig: { EndpointsConfig: { none: config('10.9.8.7') } } },
      400,
      'user specified IP address is supported on user defined networks only',
    ],
    [
      { HostConfig: { NetworkMode: 'host' }, NetworkingConfig: { EndpointsConfig: { host: { Aliases: ['a'] } } } },
      400,
      'network-scoped alias is supported only',
    ],
    [{ HostConfig: { NetworkMode: 'host' }, MacAddress: '02:42:ac:00:00:09' }, 400, 'conflicting options: mac-address'],
    [{ MacAddress: '03:42:ac:00:00:09' }, 400, 'multicast'],
    [
      { NetworkingConfig: { EndpointsConfig: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`n${i}`, {}])) } },
      400,
      'at most 16 networks, got 17',
    ],
    [{ Domainname: 'x.org\n10.0.0.1 db' }, 400, '--domainname'],
    [{ ExposedPorts: { '1-256': {}, '1/udp': {} } }, 400, 'expose at most 256 ports, got 257'],
    [{ HostConfig: { Links: ['a b'] } }, 400, 'bad format for links: "a b"'],
  ])('are refused: %j', async (body, status, words) => {
    const { response, request } = await create((await nodes())[0], body);
    expect(said(response)).toEqual([status, expect.stringContaining(words)]);
    expect(request).toBeUndefined();
  });

  it.each([
    [{ PortBindings: { '80/tcp': [{ HostPort: '80' }] } }, {}, 'port publishing and the container type network mode'],
    [{ PublishAllPorts: true }, {}, 'port publishing'],
    [{}, { ExposedPorts: { '80/tcp': {} } }, 'port exposing'],
    [{}, { Hostname: 'h' }, 'hostname and the network mode'],
    [{ Dns: ['9.9.9.9'] }, {}, 'dns and the network mode'],
    [{ ExtraHosts: ['a:10.0.0.1'] }, {}, 'custom host-to-IP mapping'],
  ])('of another container take nothing of one’s own: %j %j', async (host, body, words) => {
    const [node] = await nodes();
    node.put('web', { state: 'running' });
    const { response } = await create(node, { ...body, HostConfig: { ...host, NetworkMode: 'container:web' } });
    expect(said(response)).toEqual([400, expect.stringContaining(`conflicting options: ${words}`)]);
  });

  it('of a part of a stack are told with its name', async () => {
    const [node] = await nodes();
    const part = (name: string, NetworkMode: string) => ({ name, body: { Image: 'busybox', HostConfig: { NetworkMode } } });
    const response = await post(node, '/caravela/v1/stacks', { parts: [part('one', 'blue'), part('two', 'nope')] });
    expect(said(response)).toEqual([400, 'container two: network nope not found: "network create nope" makes it']);
  });
});

describe('the ports of a create', () => {
  const PORTS = {
    PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }], '53/udp': [{ HostIp: '10.0.0.1', HostPort: '53' }, { HostPort: '' }] },
  };

  it('are kept by the node that was asked, and asked of the one that runs it', async () => {
    const [node, other] = await nodes();
    node.placeOn = other;
    const { request, spec } = await create(node, { HostConfig: PORTS, ExposedPorts: { '443/tcp': {} } });
    expect(request?.hostPorts).toEqual([
      { protocol: 'tcp', ip: 0, port: 8080 },
      { protocol: 'udp', ip: parseIpv4('10.0.0.1'), port: 53 },
    ]);
    expect(spec.ports).toHaveLength(3);
    expect(spec.exposedPorts).toEqual(['443/tcp', '80/tcp', '53/udp']);
    expect([...node.networks.claims]).toEqual([
      [
        request?.containerId,
        [
          { protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080 },
          { protocol: 'udp', hostIp: '10.0.0.1', hostPort: 53 },
        ],
      ],
    ]);
    expect(other.networks.claims.size).toBe(0);
  });

  it('are given back where nothing was placed, and refused where another has them', async () => {
    const [node] = await nodes();
    node.refuseNext = { code: 'no-room', message: 'no node has room' };
    expect((await create(node, { HostConfig: PORTS })).response.statusCode).toBe(503);
    expect(node.networks.claims.size).toBe(0);
    expect((await create(node, { HostConfig: PORTS })).response.statusCode).toBe(201);
    expect(said((await create(node, { HostConfig: PORTS })).response)).toEqual([409, 'port 8080 is already allocated']);
    expect(node.networks.claims.size).toBe(1);
  });

  it('of another container are had from the start on, as with Docker, and are looked after by the node that is asked to start', async () => {
    const [node, other] = await nodes();
    const first = await create(node, { HostConfig: PORTS });
    node.networks.rival = first.request?.containerId;
    node.refuseNext = { code: 'no-room', message: 'no node has room' };
    expect((await create(node, { HostConfig: PORTS })).response.statusCode).toBe(503);
    expect([node.networks.claims.size, node.networks.later.size]).toEqual([1, 0]);
    const { response, request, spec } = await create(node, { HostConfig: PORTS });
    expect([response.statusCode, request?.hostPorts, spec.ports.length]).toEqual([201, [], 3]);
    expect([...node.networks.later.keys()]).toEqual([request?.containerId]);
    const id = other.put('there', { state: 'exited' }).request.containerId;
    expect((await post(node, '/containers/there/start', {})).statusCode).toBe(204);
    expect([node.networks.starting, other.networks.starting]).toEqual([[id], [id]]);
    node.networks.refuseNext = new NetworkRefused('conflict', 'port is already allocated');
    expect(said(await post(node, '/containers/there/restart', {}))).toEqual([500, 'port is already allocated']);
    const range = { PortBindings: { '80/tcp': [{ HostPort: '8080-8080' }], '81/tcp': [{ HostPort: '8080-8081' }] } };
    expect((await create(node, { HostConfig: range })).response.statusCode).toBe(409);
    expect((await create(node, { HostConfig: { ...PORTS, AutoRemove: true } })).response.statusCode).toBe(409);
  });

  it('of a range are the first that the asked node and one with room have free, and shown as they were asked for', async () => {
    const [node] = await nodes();
    const ranges = { PortBindings: { '80/tcp': [{ HostPort: '8080-8083' }], '81/tcp': [{ HostPort: '8081' }] } };
    await node.networks.claimPorts('taken' as never, [{ hostIp: '', hostPort: 8080 }]);
    node.refuseNext = { code: 'no-room', message: 'no node has room', placement: refusedBy('8082/tcp is taken by web') };
    const { response, request, spec } = await create(node, { HostConfig: ranges });
    expect(response.statusCode).toBe(201);
    expect(request?.hostPorts.map(({ port }) => port)).toEqual([8083, 8081]);
    expect(portBindingsOf(spec)).toEqual({
      '80/tcp': [{ HostIp: '', HostPort: '8080-8083' }],
      '81/tcp': [{ HostIp: '', HostPort: '8081' }],
    });
    const none = { PortBindings: { '80/tcp': [{ HostPort: '8080-8081' }] } };
    expect(said((await create(node, { HostConfig: none })).response)).toEqual([409, 'port 8081 is already allocated']);
    expect(node.networks.claims.size).toBe(2);
    const short = {
      PortBindings: { '80/tcp': [{ HostPort: '9000-9001' }], '81/tcp': [{ HostPort: '9000-9001' }], '82/tcp': [{ HostPort: '9000-9001' }] },
    };
    expect(said((await create(node, { HostConfig: short })).response)).toEqual([400, expect.stringContaining('make them longer')]);
  });

  it('of a stack are claimed together or not at all', async () => {
    const [node] = await nodes();
    const part = { body: { Image: 'busybox', HostConfig: PORTS } };
    const twice = {
      parts: [
        { ...part, name: 'aa' },
        { ...part, name: 'bb' },
      ],
    };
    for (const path of ['/caravela/v1/stacks', '/caravela/v1/plan']) {
      expect(said(await post(node, path, twice))).toEqual([
        409,
        expect.stringContaining('container bb: it publishes port 8080/tcp of the host, and so does container aa'),
      ]);
    }
    const other = { body: { Image: 'busybox', HostConfig: { PortBindings: { '81/tcp': [{ HostPort: '81' }] } } } };
    await node.networks.claimPorts('taken' as never, [{ hostIp: '', hostPort: 81 }]);
    expect((await post(node, '/caravela/v1/stacks', { parts: [part, other] })).statusCode).toBe(409);
    expect(node.networks.claims.size).toBe(1);
    node.networks.releasePorts('taken' as never);
    expect((await post(node, '/caravela/v1/stacks', { parts: [part] })).statusCode).toBe(201);
    expect(node.networks.claims.size).toBe(1);
  });

  it('are with -P all that the image and the request expose, wherever the image is', async () => {
    const [node, other] = await nodes();
    const image = other.images.put('docker.io/library/web:latest', '8');
    Object.assign(image.config, { ExposedPorts: { '80/tcp': {}, '9/udp': {}, 'x/tcp': {}, '70000': {} } });
    const body = {
      Image: 'web',
      ExposedPorts: { '443-444': {} },
      HostConfig: { PublishAllPorts: true, PortBindings: { '80/tcp': [{ HostPort: '8080' }] } },
    };
    const { spec, request } = await create(node, body);
    expect(spec.ports.map((p) => `${p.hostPort}:${p.containerPort}/${p.protocol}`)).toEqual([
      '8080:80/tcp',
      '0:9/udp',
      '0:443/tcp',
      '0:444/tcp',
    ]);
    expect(request?.hostPorts).toHaveLength(1);
    expect(spec.exposedPorts).toEqual(['80/tcp', '9/udp', '443/tcp', '444/tcp']);
    expect(spec.publishAll).toBe(true);
  });

  it('are not served on internal networks only, which is said', async () => {
    const [node] = await nodes();
    await post(node, '/networks/create', { Name: 'closed', Internal: true });
    const ports = { PortBindings: { '80/tcp': [{ HostPort: '8080' }] } };
    const { response: inside } = await create(node, { HostConfig: { NetworkMode: 'closed', ...ports } });
    expect(inside.json()).toMatchObject({
      Warnings: ['Published ports are not served while the container is on internal networks only (closed)'],
    });
    const { response: outside } = await create(node, {
      HostConfig: { NetworkMode: 'closed', PortBindings: { '80/tcp': [{ HostPort: '8082' }] } },
      NetworkingConfig: { EndpointsConfig: { caravela: {} } },
    });
    expect(outside.json()).toMatchObject({ Warnings: [] });
  });

  it.each(['host', 'none'])('are discarded with network %s, with a warning', async (NetworkMode) => {
    const [node] = await nodes();
    const { response, spec, request } = await create(node, { HostConfig: { ...PORTS, NetworkMode } });
    expect(response.json()).toMatchObject({ Warnings: [`Published ports are discarded when using ${NetworkMode} network mode`] });
    expect([spec.networkMode, spec.ports, request?.hostPorts]).toEqual([NetworkMode, [], []]);
  });
});

describe('the names of a create', () => {
  it('are passed on, in one form', async () => {
    const [node] = await nodes();
    const { spec } = await create(node, {
      Hostname: 'h',
      Domainname: 'x.org',
      HostConfig: {
        NetworkMode: 'blue',
        Dns: ['9.9.9.9', 'fd00::1'],
        DnsSearch: ['x.org', '.'],
        DnsOptions: ['ndots:2', 'rotate'],
        ExtraHosts: ['db:10.0.0.5', 'v6=[fd00::5]', 'host.docker.internal:host-gateway'],
      },
    });
    expect(spec).toMatchObject({
      hostname: 'h',
      domainname: 'x.org',
      dns: { servers: ['9.9.9.9', 'fd00::1'], search: ['x.org', '.'], options: ['ndots:2', 'rotate'] },
      extraHosts: ['db:10.0.0.5', 'v6:fd00::5', 'host.docker.internal:host-gateway'],
    });
  });

  it.each([
    [{ Dns: ['ns.x.org'] }, 'a name server (--dns) is an IP address, got "ns.x.org"'],
    [{ DnsSearch: ['a b'] }, 'a search domain'],
    [{ DnsOptions: ['a\nnameserver 1.1.1.1'] }, '--dns-option'],
    [{ ExtraHosts: ['db'] }, 'bad format for add-host: "db"'],
    [{ ExtraHosts: ['db:x'] }, 'bad format for add-host'],
    [{ ExtraHosts: ['a b:10.0.0.1'] }, 'bad format for add-host'],
    [{ Dns: Array.from({ length: 33 }, () => '9.9.9.9') }, 'HostConfig.Dns may have 32 entries, got 33'],
  ])('are refused: %j', async (host, words) => {
    const { response } = await create((await nodes())[0], { HostConfig: host });
    expect(said(response)).toEqual([400, expect.stringContaining(words)]);
  });
});
