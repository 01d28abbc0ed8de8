import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UNREACHABLE_HEADER } from '../../../docker-api/caravela-types.ts';
import type { NetworkRow, PortSummary } from '../../../docker-api/types.ts';
import { type Asked, FakeDaemon, refuse, run, type RunOptions } from '../../testing.ts';
import { portsText } from '../../views/port-text.ts';

let daemon: FakeDaemon;
const cli = (words: readonly string[], options: RunOptions = {}) => run(['--host', `unix://${daemon.socket}`, ...words], options);
const bodyOf = (n = 0) => JSON.parse(daemon.asked[n]?.body ?? '{}') as unknown;

beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
});
afterEach(() => daemon.close());

const BLUE: NetworkRow = {
  Name: 'blue',
  Id: 'b'.repeat(64),
  Created: '2026-01-02T03:04:05.000Z',
  Scope: 'swarm',
  Driver: 'caravela',
  EnableIPv6: false,
  IPAM: { Driver: 'default', Options: null, Config: [{ Subnet: '10.9.8.0/24', Gateway: '10.9.8.1' }] },
  Internal: true,
  Attachable: true,
  Ingress: false,
  ConfigFrom: { Network: '' },
  ConfigOnly: false,
  Containers: {},
  Options: {},
  Labels: { tier: 'back' },
  Caravela: { VNI: 4098, Blocks: { 'node-1': ['10.9.8.0/26'] } },
};
const HOST: NetworkRow = {
  ...BLUE,
  Name: 'host',
  Id: 'a'.repeat(64),
  Driver: 'host',
  Scope: 'local',
  IPAM: { Driver: 'default', Options: null, Config: [] },
};

describe('network', () => {
  it('create sends what was said, and prints the id', async () => {
    daemon.on('POST /networks/create', { Id: BLUE.Id, Warning: '' });
    expect(await cli(['network', 'create', 'blue'])).toEqual({ code: 0, out: `${BLUE.Id}\n`, err: '' });
    expect(bodyOf()).toEqual({ Name: 'blue', CheckDuplicate: true, Internal: false, Options: {}, Labels: {} });
    daemon.on('POST /networks/create', { Id: BLUE.Id, Warning: 'x means nothing' });
    const words = '--subnet 10.9.8.0/24 --gateway 10.9.8.1 --label a=b --internal -o mtu=1400 --opt x=y -d overlay --attachable blue';
    expect((await cli(['network', 'create', ...words.split(' ')])).err).toBe('warning: x means nothing\n');
    expect(bodyOf(1)).toEqual({
      Name: 'blue',
      CheckDuplicate: true,
      Driver: 'overlay',
      Internal: true,
      IPAM: { Config: [{ Subnet: '10.9.8.0/24', Gateway: '10.9.8.1' }] },
      Options: { mtu: '1400', x: 'y' },
      Labels: { a: 'b' },
    });
  });

  it('create is refused with the daemon’s words', async () => {
    daemon.on('POST /networks/create', (_asked: Asked, response: ServerResponse) =>
      refuse(response, 409, 'network with name blue already exists'),
    );
    expect(await cli(['network', 'create', 'blue'])).toEqual({
      code: 1,
      out: '',
      err: 'caravela: network with name blue already exists\n',
    });
  });

  it('ls shows a table, templates, ids', async () => {
    daemon.on('GET /networks', [HOST, BLUE]);
    expect((await cli(['network', 'ls'])).out).toBe(
      [
        'NETWORK ID     NAME      DRIVER     SCOPE     SUBNET',
        'bbbbbbbbbbbb   blue      caravela   swarm     10.9.8.0/24',
        'aaaaaaaaaaaa   host      host       local     ',
        '',
      ].join('\n'),
    );
    expect((await cli(['network', 'ls', '-q', '--no-trunc'])).out).toBe(`${BLUE.Id}\n${HOST.Id}\n`);
    expect((await cli(['network', 'list', '--format', '{{.Name}} {{.VNI}} {{.Gateway}} {{.Internal}} {{.Label "tier"}}'])).out).toBe(
      'blue 4098 10.9.8.1 true back\nhost 4098  true back\n',
    );
    await cli(['network', 'ls', '-f', 'driver=caravela', '--filter', 'name=b', '-f', 'name=c']);
    expect(daemon.asked.at(-1)?.query).toEqual({ filters: '{"driver":["caravela"],"name":["b","c"]}' });
  });

  it('inspect shows all, and says who did not answer', async () => {
    daemon.on('GET /networks/blue', (_asked: Asked, response: ServerResponse) => {
      response.setHeader(UNREACHABLE_HEADER, 'node-3');
      return BLUE;
    });
    const ran = await cli(['network', 'inspect', '-v', 'blue']);
    expect([JSON.parse(ran.out), ran.err]).toEqual([[BLUE], 'warning: node-3 did not answer; its containers are not shown\n']);
    expect((await cli(['network', 'inspect', '-f', '{{range .IPAM.Config}}{{.Subnet}}{{end}}', 'blue'])).out).toBe('10.9.8.0/24\n');
    daemon.on('GET /networks/red', (_asked: Asked, response: ServerResponse) => refuse(response, 404, 'network red not found'));
    expect(await cli(['network', 'inspect', '-f', 'json', 'red'])).toEqual({ code: 1, out: '', err: 'caravela: network red not found\n' });
  });

  it('connect and disconnect', async () => {
    daemon.on('POST /networks/10.0.0.0/24/connect', undefined).on('POST /networks/blue/disconnect', undefined);
    expect((await cli(['network', 'connect', '--ip', '10.0.0.9', '--alias', 'a', '--alias', 'b', '10.0.0.0/24', 'web'])).code).toBe(0);
    expect(bodyOf()).toEqual({ Container: 'web', EndpointConfig: { IPAMConfig: { IPv4Address: '10.0.0.9' }, Aliases: ['a', 'b'] } });
    expect((await cli(['network', 'connect', '--link', 'db:sql', '10.0.0.0/24', 'web'])).code).toBe(0);
    expect(bodyOf(1)).toEqual({ Container: 'web', EndpointConfig: { Links: ['db:sql'] } });
    expect((await cli(['network', 'disconnect', '-f', 'blue', 'web'])).code).toBe(0);
    expect(bodyOf(2)).toEqual({ Container: 'web', Force: true });
  });

  it('rm goes on after one that fails; -f says nothing of those that are not there', async () => {
    daemon.on('DELETE /networks/blue', undefined);
    const ran = await cli(['network', 'rm', 'red', 'blue']);
    expect(ran).toEqual({ code: 1, out: 'blue\n', err: 'caravela: no such thing: /networks/red\n' });
    expect(await cli(['network', 'remove', '-f', 'red', 'blue'])).toEqual({ code: 0, out: 'blue\n', err: '' });
  });

  it('prune asks first', async () => {
    daemon.on('POST /networks/prune', { NetworksDeleted: ['blue', 'green'] });
    const refused = await cli(['network', 'prune'], { stdin: 'n\n' });
    expect([refused.code, refused.out, daemon.lines]).toEqual([
      0,
      expect.stringContaining('Are you sure you want to continue? [y/N] '),
      [],
    ]);
    expect((await cli(['network', 'prune'])).code).toBe(0);
    expect((await cli(['network', 'prune'], { stdin: 'y\n' })).out).toMatch(/\[y\/N\] Deleted Networks:\nblue\ngreen\n\n$/);
    expect((await cli(['network', 'prune', '-f', '--filter', 'until=24h', '--filter', 'label!=keep'])).out).toBe(
      'Deleted Networks:\nblue\ngreen\n\n',
    );
    expect(daemon.asked.at(-1)?.query).toEqual({ filters: '{"until":["24h"],"label!":["keep"]}' });
  });

  it('doctor tells what it saw, and ends with 1 where there is a problem', async () => {
    const ok = { check: 'mtu', state: 'ok', seen: 'underlay 1500, overlay 1450', advice: '' };
    const bad = { check: '4789/udp', state: 'problem', seen: 'node-2 does not answer', advice: 'open 4789/udp between the nodes' };
    daemon.on('GET /caravela/v1/network/doctor', [ok]);
    expect(await cli(['network', 'doctor'])).toEqual({
      code: 0,
      out: 'STATE     CHECK     SEEN\nok        mtu       underlay 1500, overlay 1450\n',
      err: '',
    });
    daemon.on('GET /caravela/v1/network/doctor', [ok, bad]);
    expect(await cli(['network', 'doctor', 'node-2'])).toEqual({
      code: 1,
      out: [
        'STATE     CHECK      SEEN',
        'ok        mtu        underlay 1500, overlay 1450',
        'problem   4789/udp   node-2 does not answer',
        '',
        '4789/udp: open 4789/udp between the nodes',
        '',
      ].join('\n'),
      err: 'caravela: 1 problem found\n',
    });
    expect(daemon.asked.map(({ query }) => query)).toEqual([{}, { node: 'node-2' }]);
    expect((await cli(['network', 'doctor', '--format', 'json'])).out).toBe(`${JSON.stringify(ok)}\n${JSON.stringify(bad)}\n`);
  });

  it('says what verbs there are', async () => {
    const ran = await cli(['network']);
    expect(ran.code).not.toBe(0);
    for (const verb of ['create', 'ls', 'inspect', 'connect', 'disconnect', 'rm', 'prune', 'doctor'])
      expect(ran.out + ran.err).toContain(verb);
  });
});

describe('port', () => {
  beforeEach(() => {
    const Ports = {
      '80/tcp': [
        { HostIp: '0.0.0.0', HostPort: '8080' },
        { HostIp: '127.0.0.1', HostPort: '81' },
      ],
      '9/udp': [{ HostIp: '0.0.0.0', HostPort: '32768' }],
      '443/tcp': null,
    };
    daemon.on('GET /containers/web/json', { NetworkSettings: { Ports } });
  });

  it('lists what is published, or one port of it', async () => {
    expect((await cli(['port', 'web'])).out).toBe('9/udp -> 0.0.0.0:32768\n80/tcp -> 0.0.0.0:8080\n80/tcp -> 127.0.0.1:81\n');
    expect((await cli(['container', 'port', 'web', '80'])).out).toBe('0.0.0.0:8080\n127.0.0.1:81\n');
    expect((await cli(['port', 'web', '9/UDP'])).out).toBe('0.0.0.0:32768\n');
    expect(await cli(['port', 'web', '443'])).toEqual({ code: 1, out: '', err: "caravela: no public port '443/tcp' published for web\n" });
    expect((await cli(['port', 'web', 'http'])).err).toContain('"http" is no port of a container');
  });
});

describe('the ports of ps', () => {
  it.each<[PortSummary[], string]>([
    [[], ''],
    [[{ PrivatePort: 80, Type: 'tcp' }], '80/tcp'],
    [
      [
        { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
        { PrivatePort: 443, Type: 'tcp' },
      ],
      '0.0.0.0:8080->80/tcp, 443/tcp',
    ],
    [
      [92, 90, 91, 94].map((PrivatePort) => ({ IP: '0.0.0.0', PrivatePort, PublicPort: PrivatePort + 10, Type: 'tcp' })),
      '0.0.0.0:100-102->90-92/tcp, 0.0.0.0:104->94/tcp',
    ],
    [[70, 71].map((PrivatePort) => ({ PrivatePort, Type: 'udp' })), '70-71/udp'],
    [
      [
        { IP: '0.0.0.0', PrivatePort: 53, PublicPort: 53, Type: 'udp' },
        { IP: '0.0.0.0', PrivatePort: 53, PublicPort: 53, Type: 'tcp' },
      ],
      '0.0.0.0:53->53/tcp, 0.0.0.0:53->53/udp',
    ],
  ])('%j', (ports, text) => {
    expect(portsText(ports)).toBe(text);
  });
});
