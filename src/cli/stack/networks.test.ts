import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StackBody } from '../../docker-api/stack-types.ts';
import { type Asked, FakeDaemon, refuse, run } from '../testing.ts';
import { parseStackFile } from './stack-file.ts';
import { StackFileError } from './stack-file-error.ts';

const parse = (text: string) => parseStackFile(text, 'stack.yml');
const of = (text: string) => {
  const [container] = parse(`web:\n  image: x\n${text}`).containers;
  if (container === undefined) throw new Error('no container');
  return container.networking;
};

describe('a container’s networks in a stack file', () => {
  it.each([
    ['  networks: [front, 10.0.0.0/24]', [{ name: 'front' }, { name: '10.0.0.0/24' }]],
    [
      '  networks:\n    front:\n    back: {aliases: [db, sql], ipv4_address: 10.0.0.5, mac_address: "02:42:00:00:00:01"}',
      [{ name: 'front' }, { name: 'back', aliases: ['db', 'sql'], ip: '10.0.0.5', mac: '02:42:00:00:00:01' }],
    ],
    ['  network_mode: host', [{ name: 'host' }]],
    ['  network_mode: container:db', [{ name: 'container:db' }]],
  ])('%j', (text, networks) => {
    expect(of(text).networks).toEqual(networks.map((network) => ({ aliases: [], ip: '', mac: '', ...network })));
  });

  it('are called as the file declares them', () => {
    const { containers, networks } = parse(
      'networks:\n  front:\n  back:\n    name: shared\n    external: true\nweb: {image: x, networks: [front, back], name: web-1}\nnetworks2: {image: x}\n',
    );
    expect(containers.map(({ name }) => name)).toEqual(['web-1', 'networks2']);
    expect(containers[0]?.networking).toMatchObject({ alias: 'web', networks: [{ name: 'front' }, { name: 'shared' }] });
    expect(networks.map(({ name, isExternal, line }) => [name, isExternal, line])).toEqual([
      ['front', false, 2],
      ['shared', true, 3],
    ]);
    expect(parse('networks: {image: x}').containers.map(({ name }) => name)).toEqual(['networks']);
  });

  it('have what Compose says of them', () => {
    const [network] = parse(`
networks:
  back:
    driver: bridge
    driver_opts: {mtu: 1400}
    internal: true
    attachable: true
    labels: [a=b, c]
    ipam: {driver: default, config: [{subnet: 10.9.8.0/24, gateway: 10.9.8.1}]}
web: {image: x}
`).networks;
    expect(network?.body).toEqual({
      Name: 'back',
      CheckDuplicate: true,
      Driver: 'bridge',
      Internal: true,
      EnableIPv6: false,
      IPAM: { Config: [{ Subnet: '10.9.8.0/24', Gateway: '10.9.8.1' }] },
      Options: { mtu: '1400' },
      Labels: { a: 'b', c: '' },
    });
  });

  it('come with ports, hosts and names', () => {
    const networking = of(`
  ports:
  - 127.0.0.1:8000-8001:90-91
  - {target: 53, published: "53", protocol: udp, mode: host}
  - target: 80
    host_ip: 127.0.0.1
  expose: ["70-71", 9/udp]
  hostname: h
  domainname: x.org
  extra_hosts: {db: 10.0.0.5}
  dns: 9.9.9.9
  dns_search: [x.org, y.org]
  dns_opt: [ndots:2]
`);
    expect(networking.ports.map(({ published: { HostIp, HostPort, Port } }) => `${HostIp}|${HostPort}|${Port}`)).toEqual([
      '127.0.0.1|8000|90/tcp',
      '127.0.0.1|8001|91/tcp',
      '|53|53/udp',
      '127.0.0.1||80/tcp',
    ]);
    expect(networking).toMatchObject({
      expose: ['70/tcp', '71/tcp', '9/udp'],
      hostname: 'h',
      domainname: 'x.org',
      addHost: ['db:10.0.0.5'],
      dns: ['9.9.9.9'],
      dnsSearch: ['x.org', 'y.org'],
      dnsOption: ['ndots:2'],
    });
  });

  it.each([
    ['web:\n  image: x\n  networks: [a]\n  network_mode: host', 'stack.yml:3: container web: networks and network_mode are both there'],
    ['web:\n  image: x\n  networks: []', 'stack.yml:3: container web: networks is empty'],
    ['web:\n  image: x\n  networks: [a, a]', 'container web: network a is there twice'],
    [
      'web:\n  image: x\n  networks:\n    a: {ip: 10.0.0.1}',
      'stack.yml:4: container web: network a: there is no key "ip"; there are aliases',
    ],
    ['web:\n  image: x\n  networks:\n    a: [b]', 'container web: network a must be a mapping, got a list'],
    ['web:\n  image: x\n  network_mode: service:db', 'network_mode can\'t be that of another container of the stack ("service:db")'],
    ['web:\n  image: x\n  ports: [{published: 80}]', 'a port has no target'],
    ['web:\n  image: x\n  ports: [{target: 80, host: 1}]', 'a port has no key "host"'],
    ['web:\n  image: x\n  ports: [{target: a}]', '"a" is no port to publish'],
    ['web:\n  image: x\n  expose: [80:80]', '"80:80" is no port to expose'],
    ['networks: [a]\nweb: {image: x}', 'stack.yml:1: networks must be a mapping of names'],
    [
      'networks:\n  a: {subnet: 10.0.0.0/24}\nweb: {image: x}',
      'stack.yml:2: network a: there is no key "subnet"; there are name, external',
    ],
    ['networks:\n  a: {external: maybe}\nweb: {image: x}', 'network a: external is true or false, got "maybe"'],
    ['networks:\n  a: {external: true, internal: true}\nweb: {image: x}', 'network a is external: what it is was said where it was made'],
    ['networks:\n  a: {ipam: {config: [{subnet: a}, {subnet: b}]}}\nweb: {image: x}', 'a network has one subnet, ipam has 2'],
    ['networks:\n  a: {ipam: {config: [{range: a}]}}\nweb: {image: x}', 'ipam\'s config has no key "range"'],
    ['networks:\n  a: {ipam: {pools: []}}\nweb: {image: x}', 'ipam has no key "pools"'],
    ['networks: {a: }', 'there are no containers in it'],
  ])('are refused: %j', (text, words) => {
    expect(() => parse(text)).toThrow(StackFileError);
    expect(() => parse(text)).toThrow(words);
  });
});

describe('run STACK.yml with networks', () => {
  const [A, B] = ['a'.repeat(64), 'b'.repeat(64)];
  const STACK = `networks:
  front:
  back: {name: store, ipam: {config: [{subnet: 10.9.8.0/24}]}}
  unused:
web:
  image: nginx
  ports: ["8080:80"]
  networks: [front, back]
db:
  image: redis
  name: db-1
  networks: {back: {aliases: [sql]}}
plain:
  image: redis
`;
  let daemon: FakeDaemon;
  let scratch: string;
  let file: string;
  const cli = (...argv: string[]) => run(['--host', `unix://${daemon.socket}`, 'run', ...argv, file]);
  const sent = (path: string): StackBody => JSON.parse(daemon.asked.find((a) => a.path === path)?.body ?? '{}') as StackBody;

  beforeEach(async () => {
    daemon = await new FakeDaemon().listen();
    scratch = mkdtempSync(join(tmpdir(), 'caravela-stack-'));
    file = join(scratch, 'stack.yml');
    writeFileSync(file, STACK);
    daemon.on('POST /caravela/v1/stacks', { parts: [{ Id: A, Name: 'web', Node: 'n1', Warnings: [] }] });
    daemon.on('POST /networks/create', (asked: Asked) => ({ Id: `id-${(JSON.parse(asked.body) as { Name: string }).Name}`, Warning: '' }));
    for (const id of [A, B]) daemon.on(`POST /containers/${id}/start`, undefined).on(`DELETE /containers/${id}`, undefined);
    for (const name of ['front', 'store']) daemon.on(`DELETE /networks/id-${name}`, undefined);
  });
  afterEach(async () => {
    await daemon.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('makes what is missing and used, then places all', async () => {
    daemon.on('GET /networks/store', { Name: 'store', IPAM: { Config: [{ Subnet: '10.9.8.0/24' }] } });
    expect((await cli('--dns', '9.9.9.9', '--network', 'other')).code).toBe(0);
    expect(daemon.lines).toEqual([
      'GET /networks/front',
      'POST /networks/create',
      'GET /networks/store',
      'POST /caravela/v1/stacks',
      `POST /containers/${A}/start`,
    ]);
    const [web, db, plain] = sent('/caravela/v1/stacks').parts.map(({ body }) => body);
    expect(web).toMatchObject({
      ExposedPorts: { '80/tcp': {} },
      HostConfig: { NetworkMode: 'front', PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] }, Dns: ['9.9.9.9'] },
      NetworkingConfig: { EndpointsConfig: { front: {}, store: {} } },
    });
    expect(db).toMatchObject({
      HostConfig: { NetworkMode: 'store' },
      NetworkingConfig: { EndpointsConfig: { store: { Aliases: ['sql', 'db'] } } },
    });
    expect(plain?.HostConfig?.NetworkMode).toBe('other');
  });

  it('removes what it made where the stack can’t be placed', async () => {
    daemon.on('POST /caravela/v1/stacks', (_asked: Asked, response: ServerResponse) => refuse(response, 503, 'no room'));
    expect(await cli()).toMatchObject({ code: 125, err: 'caravela: no room\n' });
    expect(daemon.lines.filter((line) => line.startsWith('DELETE'))).toEqual(['DELETE /networks/id-front', 'DELETE /networks/id-store']);
  });

  it('refuses one that is another, and one that can’t be made, with its line', async () => {
    daemon.on('GET /networks/store', { Name: 'store', IPAM: { Config: [{ Subnet: '10.7.0.0/24' }] } });
    const other = await cli();
    expect([other.code, other.err]).toEqual([
      125,
      expect.stringContaining(`${file}:3: network store is there with the subnet 10.7.0.0/24, not 10.9.8.0/24`),
    ]);
    expect(daemon.lines.at(-1)).toBe('DELETE /networks/id-front');
    daemon.on('POST /networks/create', (_asked: Asked, response: ServerResponse) => refuse(response, 503, 'no majority answers'));
    expect((await cli()).err).toBe(`caravela: ${file}:2: network front: no majority answers\n`);
    writeFileSync(file, 'networks:\n  far: {external: true}\nweb: {image: x, networks: [far]}');
    expect((await cli()).err).toContain(`${file}:2: network far is external, and is not there`);
  });

  it('makes nothing in a dry run', async () => {
    daemon.on('GET /networks/store', { Name: 'store', IPAM: { Config: [{ Subnet: '10.9.8.0/24' }] } });
    daemon.on('POST /caravela/v1/plan', { parts: [] });
    expect((await cli('--dry-run')).code).toBe(0);
    expect(daemon.lines).toEqual(['GET /networks/front', 'GET /networks/store', 'POST /caravela/v1/plan']);
    const [web, db, plain] = sent('/caravela/v1/plan').parts.map(({ body }) => [
      body.HostConfig?.NetworkMode,
      body.NetworkingConfig?.EndpointsConfig,
    ]);
    expect([web, db, plain]).toEqual([
      ['store', { store: {} }],
      ['store', { store: { Aliases: ['sql', 'db'] } }],
      ['default', undefined],
    ]);
  });
});
