import { describe, expect, it } from 'vitest';
import type { NetworkId } from '../../core/model/index.ts';
import { UNREACHABLE_HEADER } from '../../docker-api/caravela-types.ts';
import type { ContainerInspect, ContainerSummary, NetworkRow } from '../../docker-api/types.ts';
import type { ContainerSpec } from '../../engine/port.ts';
import { FakeInstance, type FakeNode } from '../fake-instance.test-helper.ts';
import { NetworkRefused } from '../network-service.ts';

const get = (node: FakeNode, url: string) => node.api.app.inject(url);
const list = async (node: FakeNode, filters: object) =>
  (await get(node, `/v1.41/networks?filters=${encodeURIComponent(JSON.stringify(filters))}`)).json<NetworkRow[]>().map((row) => row.Name);
const post = (node: FakeNode, url: string, payload: object = {}) => node.api.app.inject({ method: 'POST', url, payload });
const remove = (node: FakeNode, url: string) => node.api.app.inject({ method: 'DELETE', url });
const said = (response: { statusCode: number; json(): unknown }) => [response.statusCode, (response.json() as { message: string }).message];
const silent = (response: { headers: Record<string, unknown> }): unknown => response.headers[UNREACHABLE_HEADER.toLowerCase()];

async function nodes(): Promise<readonly [FakeNode, FakeNode]> {
  const instance = await FakeInstance.of('node-1', 'node-2');
  for (const node of instance.nodes) node.images.put('docker.io/library/busybox:latest', '7');
  return instance.nodes as unknown as [FakeNode, FakeNode];
}

async function made(node: FakeNode, name: string, more: object = {}): Promise<string> {
  const response = await post(node, '/networks/create', { Name: name, Driver: 'bridge', CheckDuplicate: true, ...more });
  expect(response.statusCode).toBe(201);
  return response.json<{ Id: string }>().Id;
}

/** On a network, or several, running. */
function put(
  node: FakeNode,
  name: string,
  on: readonly string[],
  spec: Partial<ContainerSpec> = {},
  state: 'running' | 'exited' = 'running',
) {
  const networks = on.map((networkName) => {
    const { id, vni } = node.networks.list().find((n) => n.name === networkName) ?? { id: '' as never, vni: 0 };
    return { network: id, networkName, vni, ip: '', aliases: [`${name}-alias`], mac: '' };
  });
  return node.put(name, { state, spec: { networkMode: 'networks', networks, ...spec } });
}

describe('GET /networks', () => {
  it('has the default network, those that are agreed, and the two of every node, by filter', async () => {
    const [node] = await nodes();
    const blue = await made(node, 'blue', { Labels: { tier: 'back' } });
    expect(await list(node, {})).toEqual(['blue', 'caravela', 'host', 'none']);
    expect(await list(node, { name: ['lu'] })).toEqual(['blue']);
    expect(await list(node, { name: ['^host$'] })).toEqual(['host']);
    expect(await list(node, { id: [blue.slice(0, 7)] })).toEqual(['blue']);
    expect(await list(node, { driver: ['host', 'null'] })).toEqual(['host', 'none']);
    expect(await list(node, { driver: ['caravela'] })).toEqual(['caravela']);
    expect(await list(node, { driver: ['bridge'] })).toEqual(['blue']);
    expect(await list(node, { label: ['tier=back'] })).toEqual(['blue']);
    expect(await list(node, { label: ['tier', 'other'] })).toEqual([]);
    expect(await list(node, { scope: ['swarm'] })).toEqual(['blue', 'caravela']);
    expect(await list(node, { type: ['custom'] })).toEqual(['blue']);
    expect(await list(node, { type: { builtin: true } })).toEqual(['caravela', 'host', 'none']);
  });

  it('is asked with a slash at its end, too', async () => {
    const [node] = await nodes();
    expect((await get(node, '/networks/')).json<NetworkRow[]>().map(({ Name }) => Name)).toEqual(['caravela', 'host', 'none']);
  });

  it('knows which nobody uses, on any node', async () => {
    const [node, other] = await nodes();
    await made(node, 'blue');
    await made(node, 'green');
    put(other, 'web', ['green']);
    expect(await list(node, { dangling: ['true'] })).toEqual(['blue']);
    expect(await list(node, { dangling: ['false'] })).toEqual(['caravela', 'green', 'host', 'none']);
  });

  it.each([
    [{ type: ['odd'] }, 'a type is custom or builtin'],
    [{ dangling: ['maybe'] }, 'it is true or false'],
    [{ nope: ['x'] }, "invalid filter 'nope'"],
  ])('refuses the filter %j', async (filters, words) => {
    const response = await get((await nodes())[0], `/networks?filters=${encodeURIComponent(JSON.stringify(filters))}`);
    expect(said(response)).toEqual([400, expect.stringContaining(words)]);
  });
});

describe('GET /networks/{id}', () => {
  it('tells what was agreed, whose the blocks are, and who is on it on all nodes', async () => {
    const [node, other] = await nodes();
    const id = await made(node, 'blue', {
      Internal: true,
      Labels: { a: 'b' },
      Options: { 'com.docker.network.driver.mtu': '1400' },
      IPAM: { Driver: 'default', Config: [{ Subnet: '10.9.8.0/24', Gateway: '10.9.8.254' }] },
    });
    const here = put(node, 'one', ['blue']).request.containerId;
    const there = put(other, 'two', ['blue']).request.containerId;
    put(other, 'old', ['blue'], {}, 'exited');
    const response = await get(node, '/networks/blue');
    const row = response.json<NetworkRow>();
    expect(row).toEqual({
      Name: 'blue',
      Id: id,
      Created: '2023-11-14T22:13:20.000Z',
      Scope: 'swarm',
      Driver: 'bridge',
      EnableIPv6: false,
      IPAM: { Driver: 'default', Options: null, Config: [{ Subnet: '10.9.8.0/24', Gateway: '10.9.8.254' }] },
      Internal: true,
      Attachable: true,
      Ingress: false,
      ConfigFrom: { Network: '' },
      ConfigOnly: false,
      Containers: {
        [here]: { Name: 'one', EndpointID: 'e'.repeat(64), MacAddress: '02:42:0a:09:08:02', IPv4Address: '10.9.8.2/24', IPv6Address: '' },
        [there]: { Name: 'two', EndpointID: 'e'.repeat(64), MacAddress: '02:42:0a:09:08:03', IPv4Address: '10.9.8.3/24', IPv6Address: '' },
      },
      Options: { 'com.docker.network.driver.mtu': '1400', mtu: '1400' },
      Labels: { a: 'b' },
      Caravela: { VNI: 4098, Blocks: { 'node-1': ['10.9.8.0/26'] }, Unreachable: [] },
    });
    expect(silent(response)).toBeUndefined();
    for (const word of [id, id.slice(0, 12), 'blue?verbose=true', encodeURIComponent('10.9.8.0/24')]) {
      expect((await get(other, `/networks/${word}`)).json<NetworkRow>().Name).toBe('blue');
    }
  });

  it.each([
    ['bridge', 'bridge'],
    ['overlay', 'overlay'],
    ['default', 'caravela'],
    [undefined, 'caravela'],
  ])('shows the driver asked for, %s, as %s, also on the next node', async (Driver, shown) => {
    const [node, other] = await nodes();
    await made(node, 'blue', { Driver, Options: { 'caravela.asked-driver': 'odd', kept: 'yes' } });
    const row = (await get(other, '/networks/blue')).json<NetworkRow>();
    expect([row.Driver, row.Options]).toEqual([shown, { kept: 'yes' }]);
  });

  it('says which nodes did not tell', async () => {
    const [node, other] = await nodes();
    await other.close();
    other.state = 'dead';
    const response = await get(node, '/networks/caravela');
    expect(silent(response)).toBe('node-2');
    expect(response.json<NetworkRow>().Caravela?.Unreachable).toEqual(['node-2']);
  });

  it('has Docker’s names for the default network, and none and host', async () => {
    const [node] = await nodes();
    for (const word of ['bridge', 'default', 'caravela']) {
      expect((await get(node, `/networks/${word}`)).json()).toMatchObject({
        Name: 'caravela',
        IPAM: { Config: [{ Subnet: '10.210.0.0/16' }] },
      });
    }
    const none = (await get(node, '/networks/none')).json<NetworkRow>();
    expect(none).toMatchObject({ Name: 'none', Driver: 'null', Scope: 'local', Id: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect((await get(node, `/networks/${none.Id.slice(0, 12)}`)).json()).toEqual(none);
    expect(said(await get(node, '/networks/nope'))).toEqual([404, 'network nope not found']);
  });

  it('waits to hear of one that a peer knows, for whatever is done with it', async () => {
    const [node, other] = await nodes();
    const work: readonly ((name: string) => Promise<{ statusCode: number }>)[] = [
      (name) => get(other, `/networks/${name}`),
      (name) => post(other, `/containers/create?name=of-${name}`, { Image: 'busybox', HostConfig: { NetworkMode: name } }),
      (name) => post(other, `/networks/${name}/connect`, { Container: 'web' }),
      (name) => remove(other, `/networks/${name}`),
    ];
    put(other, 'web', []);
    for (const [i, ask] of work.entries()) {
      const id = (await made(node, `late${i}`)) as NetworkId;
      other.networks.unheard.add(id);
      setTimeout(() => other.networks.unheard.delete(id), 60);
      expect((await ask(`late${i}`)).statusCode).toBeLessThan(300);
    }
    // The container is here, whose node has not heard of it either.
    const id = (await made(other, 'later')) as NetworkId;
    other.networks.unheard.add(id);
    setTimeout(() => other.networks.unheard.delete(id), 60);
    expect((await post(node, '/networks/later/connect', { Container: 'web' })).statusCode).toBe(200);
  });

  it('tells an ambiguous beginning of an id', async () => {
    const [node] = await nodes();
    const ids = new Map<string, string>();
    for (let i = 0; i < 20; i++) ids.set(await made(node, `n${i}`), `n${i}`);
    const digit = '0123456789abcdef'.split('').find((d) => [...ids.keys()].filter((id) => id.startsWith(d)).length > 1) ?? '';
    expect(said(await get(node, `/networks/${digit}`))).toEqual([400, expect.stringContaining(`network ${digit} is ambiguous`)]);
  });
});

describe('POST /networks/create', () => {
  it('answers with the id, and with what is ignored', async () => {
    const [node] = await nodes();
    const response = await post(node, '/networks/create', {
      Name: 'blue',
      Options: { 'com.docker.x': '1' },
      Driver: 'overlay',
      Attachable: true,
    });
    expect([response.statusCode, response.json()]).toEqual([
      201,
      { Id: expect.stringMatching(/^[0-9a-f]{64}$/), Warning: 'Options that mean nothing here are kept and ignored: com.docker.x' },
    ]);
  });

  it.each([
    [{ Name: 'caravela' }, 403, 'operation is not permitted on predefined caravela network'],
    [{ Name: 'bridge' }, 403, 'predefined bridge network'],
    [{ Name: '' }, 400, 'invalid network name ""'],
    [{ Name: 'host' }, 403, 'predefined host network'],
    [{ Name: 'a b' }, 400, 'invalid network name "a b"'],
    [{ Name: 'container:x' }, 400, 'invalid network name'],
    [{ Name: 'x', Driver: 'macvlan' }, 404, 'plugin "macvlan" not found'],
    [{ Name: 'x', Driver: 'host' }, 403, 'only one instance of "host" network is allowed'],
    [{ Name: 'x', EnableIPv6: true }, 501, '--ipv6'],
    [{ Name: 'x', Ingress: true }, 501, '--ingress'],
    [{ Name: 'x', ConfigOnly: true }, 501, '--config-only'],
    [{ Name: 'x', ConfigFrom: { Network: 'y' } }, 501, '--config-from'],
    [{ Name: 'x', IPAM: { Driver: 'infoblox' } }, 404, 'IPAM driver "infoblox" not found'],
    [{ Name: 'x', IPAM: { Config: [{ Subnet: '10.1.0.0/24' }, { Subnet: '10.2.0.0/24' }] } }, 400, 'a network has one subnet, got 2'],
    [{ Name: 'x', IPAM: { Config: [{ Subnet: '10.1.0.0/24', IPRange: '10.1.0.0/28' }] } }, 501, '--ip-range was 10.1.0.0/28'],
    [{ Name: 'x', IPAM: { Config: [{ Subnet: '10.1.0.0/24', AuxiliaryAddresses: { r: '10.1.0.9' } }] } }, 501, '--aux-address'],
    [{ Name: 'x', IPAM: { Config: [{ Subnet: 'fd00::/64' }] } }, 501, 'IPv6'],
    [{ Name: 'x', IPAM: { Config: [{ Gateway: '10.1.0.1' }] } }, 400, 'needs the subnet'],
    [{ Name: 'x', IPAM: { Config: [{ Subnet: '10.210.1.0/24' }] } }, 409, 'overlaps that of network caravela'],
    [{ Name: 7 }, 400, 'Name'],
  ])('refuses %j', async (body, status, words) => {
    expect(said(await post((await nodes())[0], '/networks/create', body))).toEqual([status, expect.stringContaining(words)]);
  });

  it.each([
    ['invalid', 400],
    ['conflict', 409],
    ['not-found', 404],
    ['in-use', 403],
    ['forbidden', 403],
    ['no-agreement', 503],
    ['failed', 500],
  ] as const)('answers a refusal as %s with %i and its words', async (code, status) => {
    const [node] = await nodes();
    node.networks.refuseNext = new NetworkRefused(code, 'why it is so');
    expect(said(await post(node, '/networks/create', { Name: 'x' }))).toEqual([status, 'why it is so']);
  });

  it('says of a name that is taken what Docker says', async () => {
    const [node] = await nodes();
    await made(node, 'blue');
    expect(said(await post(node, '/networks/create', { Name: 'blue' }))).toEqual([409, 'network with name blue already exists']);
  });
});

describe('connect and disconnect', () => {
  it('are done by the container’s node', async () => {
    const [node, other] = await nodes();
    const id = await made(node, 'blue', { IPAM: { Config: [{ Subnet: '10.9.8.0/24' }] } });
    const { containerId } = put(other, 'web', ['caravela']).request;
    const body = {
      Container: 'web',
      EndpointConfig: { IPAMConfig: { IPv4Address: '10.9.8.77' }, Aliases: ['www'], MacAddress: '02:42:00:00:00:01' },
    };
    const connected = await post(node, '/networks/blue/connect', body);
    expect([connected.statusCode, connected.body]).toEqual([200, '']);
    expect(other.networks.endpointsOf(containerId).map((e) => [e.networkName, e.address, e.aliases])).toEqual([
      ['caravela', '10.210.0.2', ['web-alias']],
      ['blue', '10.9.8.77', ['www']],
    ]);
    expect(
      (await post(node, `/networks/${id.slice(0, 12)}/disconnect`, { Container: containerId.slice(0, 12), Force: false })).statusCode,
    ).toBe(200);
    expect(other.networks.endpointsOf(containerId)).toHaveLength(1);
    const again = await post(node, '/networks/blue/disconnect', { Container: 'web' });
    expect(said(again)).toEqual([404, expect.stringContaining('is not connected')]);
  });

  it('show what began on no network on those that it joined', async () => {
    const [node] = await nodes();
    await made(node, 'blue');
    put(node, 'web', [], { networkMode: 'none' });
    const networks = async () => Object.keys((await get(node, '/containers/web/json')).json<ContainerInspect>().NetworkSettings.Networks);
    expect(await networks()).toEqual(['none']);
    expect((await post(node, '/networks/blue/connect', { Container: 'web' })).statusCode).toBe(200);
    expect(await networks()).toEqual(['blue']);
  });

  it('take a container that stands off a network that was removed', async () => {
    const [node, other] = await nodes();
    const [green, blue] = [await made(node, 'green'), await made(node, 'blue')];
    const { containerId } = put(other, 'web', ['caravela', 'blue', 'green'], {}, 'exited').request;
    for (const id of [green, blue]) await node.networks.remove(id as NetworkId);
    const disconnect = (word: string) => post(node, `/networks/${word}/disconnect`, { Container: 'web' });
    expect(said(await disconnect('red'))).toEqual([404, 'network red not found']);
    expect((await disconnect('blue')).statusCode).toBe(200);
    expect((await disconnect(green.slice(0, 12))).statusCode).toBe(200);
    expect(other.networks.endpointsOf(containerId).map((e) => e.networkName)).toEqual(['caravela']);
  });

  it('say why not', async () => {
    const [node] = await nodes();
    node.put('hosted', { state: 'running', spec: { networkMode: 'host' } });
    node.put('sharing', { state: 'running', spec: { networkMode: 'container', networkOf: 'f'.repeat(64) } });
    put(node, 'web', []);
    const connect = async (network: string, body: object) => said(await post(node, `/networks/${network}/connect`, body));
    expect(await connect('nope', { Container: 'web' })).toEqual([404, 'network nope not found']);
    expect(await connect('host', { Container: 'web' })).toEqual([403, expect.stringContaining('network host is predefined')]);
    expect(await connect('caravela', { Container: 'nobody' })).toEqual([404, 'No such container: nobody']);
    expect(await connect('caravela', { Container: 'hosted' })).toEqual([403, expect.stringContaining("has its host's network")]);
    expect(await connect('caravela', { Container: 'sharing' })).toEqual([
      403,
      expect.stringContaining('has the network of container ffffffffffff'),
    ]);
    expect(await connect('caravela', {})).toEqual([400, expect.stringContaining('Container')]);
    const wish = (EndpointConfig: object) => connect('caravela', { Container: 'web', EndpointConfig });
    expect(await wish({ IPAMConfig: { IPv4Address: '10.9' } })).toEqual([400, 'invalid IPv4 address: "10.9"']);
    expect(await wish({ IPAMConfig: { IPv4Address: '10.9.8.7' } })).toEqual([
      400,
      expect.stringContaining('not in the subnet 10.210.0.0/16'),
    ]);
    expect(await wish({ IPAMConfig: { IPv4Address: '10.210.0.1' } })).toEqual([
      400,
      expect.stringContaining('the gateway address of network'),
    ]);
    expect(await wish({ Aliases: ['a b'] })).toEqual([400, expect.stringContaining('"a b"')]);
    expect(await wish({ MacAddress: 'x' })).toEqual([400, expect.stringContaining('invalid MAC address')]);
    expect(await wish({ Links: ['a b'] })).toEqual([400, expect.stringContaining('bad format for links: "a b"')]);
  });
});

describe('removal', () => {
  it('takes a network by any of its names, and refuses those of every node', async () => {
    const [node] = await nodes();
    const id = await made(node, 'blue');
    expect((await remove(node, `/networks/${id.slice(0, 10)}`)).statusCode).toBe(204);
    expect(said(await remove(node, '/networks/blue'))).toEqual([404, 'network blue not found']);
    for (const name of ['host', 'none', 'caravela']) {
      expect(said(await remove(node, `/networks/${name}`))).toEqual([403, `${name} is a pre-defined network and cannot be removed`]);
    }
    await made(node, 'green');
    node.networks.refuseNext = new NetworkRefused('in-use', 'error while removing network: network green has active endpoints');
    expect(said(await remove(node, '/networks/green'))).toEqual([403, expect.stringContaining('has active endpoints')]);
  });

  it('prunes what nobody is on, and nothing that a silent node may be on', async () => {
    const [node, other] = await nodes();
    for (const name of ['free', 'labelled', 'used', 'away']) await made(node, name, name === 'labelled' ? { Labels: { keep: '1' } } : {});
    put(other, 'web', ['used'], {}, 'exited');
    put(other, 'gone', ['away']);
    await get(node, '/networks/away');
    const prune = async (filters: object) =>
      (await post(node, `/networks/prune?filters=${encodeURIComponent(JSON.stringify(filters))}`)).json<{ NetworksDeleted: string[] }>()
        .NetworksDeleted;
    expect(await prune({ 'label!': ['keep'] })).toEqual(['free']);
    expect(await prune({ until: ['999999h'] })).toEqual([]);
    other.state = 'dead';
    expect(await prune({})).toEqual(['labelled']);
    expect(said(await post(node, `/networks/prune?filters=${encodeURIComponent('{"until":["soon"]}')}`))).toEqual([
      400,
      expect.stringContaining('until=soon'),
    ]);
  });
});

describe('a container on networks', () => {
  it('shows them, and its ports, in inspect and ps', async () => {
    const [node, other] = await nodes();
    await made(node, 'blue', { IPAM: { Config: [{ Subnet: '10.9.8.0/24' }] } });
    const ports = [
      { containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 8080 },
      { containerPort: 53, protocol: 'udp', hostIp: '127.0.0.1', hostPort: 0 },
    ] as const;
    const { containerId } = put(other, 'web', ['caravela', 'blue'], {
      ports,
      exposedPorts: ['80/tcp', '53/udp', '443/tcp'],
      dns: { servers: ['9.9.9.9'], search: ['x.org'], options: ['ndots:2'] },
      extraHosts: ['db:10.0.0.5'],
      domainname: 'x.org',
    }).request;
    const body = (await get(node, '/containers/web/json')).json<ContainerInspect>();
    expect(body.NetworkSettings).toMatchObject({
      IPAddress: '10.210.0.2',
      IPPrefixLen: 16,
      Gateway: '10.210.0.1',
      MacAddress: '02:42:0a:d2:00:02',
      Ports: {
        '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }],
        '53/udp': [{ HostIp: '127.0.0.1', HostPort: '32769' }],
        '443/tcp': null,
      },
      Networks: {
        caravela: { IPAddress: '10.210.0.2', IPAMConfig: null },
        blue: {
          NetworkID: node.networks.list()[1]?.id,
          EndpointID: 'e'.repeat(64),
          Gateway: '10.9.8.1',
          IPAddress: '10.9.8.3',
          IPPrefixLen: 24,
          MacAddress: '02:42:0a:09:08:03',
          Aliases: ['web-alias'],
          DNSNames: ['web', 'web-alias', containerId.slice(0, 12)],
        },
      },
    });
    expect(body.HostConfig).toMatchObject({
      NetworkMode: 'caravela',
      PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }], '53/udp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
      Dns: ['9.9.9.9'],
      DnsSearch: ['x.org'],
      DnsOptions: ['ndots:2'],
      ExtraHosts: ['db:10.0.0.5'],
    });
    expect(body.Config).toMatchObject({ ExposedPorts: { '80/tcp': {}, '53/udp': {}, '443/tcp': {} }, Domainname: 'x.org' });
    expect(body.Caravela.Published[0]).toEqual({ Port: '80/tcp', HostIp: '0.0.0.0', HostPort: 8080, Node: 'node-2' });

    const [row] = (await get(node, '/containers/json')).json<ContainerSummary[]>();
    expect(row?.Ports).toEqual([
      { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
      { IP: '127.0.0.1', PrivatePort: 53, PublicPort: 32769, Type: 'udp' },
      { PrivatePort: 443, Type: 'tcp' },
    ]);
    expect(Object.keys(row?.NetworkSettings.Networks ?? {})).toEqual(['caravela', 'blue']);
    expect(row?.HostConfig.NetworkMode).toBe('caravela');
  });

  it('has no addresses and no ports while it does not run', async () => {
    const [node] = await nodes();
    put(
      node,
      'web',
      ['caravela'],
      { ports: [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 80 }], exposedPorts: ['80/tcp'] },
      'exited',
    );
    const { NetworkSettings } = (await get(node, '/containers/web/json')).json<ContainerInspect>();
    expect(NetworkSettings).toMatchObject({
      IPAddress: '',
      IPPrefixLen: 0,
      Ports: {},
      Networks: { caravela: { IPAddress: '', IPPrefixLen: 0 } },
    });
  });

  it('is found by network and port', async () => {
    const [node, other] = await nodes();
    const blue = await made(node, 'blue');
    put(node, 'web', ['blue'], { ports: [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 8080 }], exposedPorts: ['80/tcp'] });
    put(other, 'api', ['caravela'], { exposedPorts: ['9000/udp'] });
    node.put('bare', { state: 'running' });
    const names = async (filters: object) =>
      (await get(node, `/containers/json?filters=${encodeURIComponent(JSON.stringify(filters))}`))
        .json<ContainerSummary[]>()
        .map((row) => row.Names[0] ?? '')
        .sort();
    expect(await names({ network: ['blue'] })).toEqual(['/web']);
    expect(await names({ network: [blue.slice(0, 12), 'bridge'] })).toEqual(['/api', '/web']);
    expect(await names({ network: ['none'] })).toEqual(['/bare']);
    expect(await names({ publish: ['8080'] })).toEqual(['/web']);
    expect(await names({ publish: ['8080/udp'] })).toEqual([]);
    expect(await names({ expose: ['8990-9010/udp', '80/tcp'] })).toEqual(['/api', '/web']);
    expect(await names({ expose: ['1-65535/udp'] })).toEqual(['/api']);
    expect(said(await get(node, '/containers/json?filters={"publish":["web"]}'))).toEqual([400, expect.stringContaining('"web"')]);
  });
});

describe('network doctor', () => {
  it('asks the node that was named', async () => {
    const [node, other] = await nodes();
    other.networks.findings = [{ check: 'port 4789/udp', state: 'problem', seen: 'node-1 does not answer', advice: 'open it' }];
    expect((await get(node, '/caravela/v1/network/doctor')).json()).toEqual(node.networks.findings);
    expect((await get(node, '/caravela/v1/network/doctor?node=node-2')).json()).toEqual(other.networks.findings);
    expect(said(await get(node, '/caravela/v1/network/doctor?node=nope'))).toEqual([404, expect.stringContaining('No such node: nope')]);
  });
});
