import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ContainerCreateBody } from '../../docker-api/types.ts';
import { parseNetworkOption } from '../parse/network-option.ts';
import { FakeDaemon, run } from '../testing.ts';

const ID = 'c'.repeat(64);
let daemon: FakeDaemon;
const cli = (...argv: string[]) => run(['--host', `unix://${daemon.socket}`, ...argv]);
const sent = () => JSON.parse(daemon.asked.findLast((a) => a.path === '/containers/create')?.body ?? '{}') as ContainerCreateBody;

beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
  daemon.on('POST /containers/create', { Id: ID, Warnings: [] }).on(`POST /containers/${ID}/start`, undefined);
});
afterEach(() => daemon.close());

describe('run with networks', () => {
  it('says nothing of what was not asked', async () => {
    await cli('run', '-d', 'img');
    expect(sent()).not.toHaveProperty('NetworkingConfig');
    expect(sent()).not.toHaveProperty('ExposedPorts');
    expect(sent().HostConfig).toEqual({ NetworkMode: 'default', RestartPolicy: { Name: 'no', MaximumRetryCount: 0 }, AutoRemove: false });
  });

  it.each([
    [['--network', 'host'], 'host', undefined],
    [['--net', '10.0.0.0/24'], '10.0.0.0/24', undefined],
    [['--network', 'container:web'], 'container:web', undefined],
    [['--ip', '10.210.0.9'], 'default', { default: { IPAMConfig: { IPv4Address: '10.210.0.9' } } }],
    [['--network', 'blue', '--network-alias', 'a', '--net-alias', 'b'], 'blue', { blue: { Aliases: ['a', 'b'] } }],
    [
      ['--network', 'blue', '--network', 'name=green,alias=x,alias=y,ip=10.0.0.5', '--mac-address', '02:42:00:00:00:01'],
      'blue',
      { blue: { MacAddress: '02:42:00:00:00:01' }, green: { IPAMConfig: { IPv4Address: '10.0.0.5' }, Aliases: ['x', 'y'] } },
    ],
    [['--network', 'blue', '--net', 'green'], 'blue', { blue: {}, green: {} }],
  ])('%j', async (words, mode, endpoints) => {
    expect((await cli('run', '-d', ...words, 'img')).code).toBe(0);
    expect(sent().HostConfig?.NetworkMode).toBe(mode);
    expect(sent().NetworkingConfig?.EndpointsConfig).toEqual(endpoints);
  });

  it('sends ports, names and name servers', async () => {
    const words =
      '-p 8080:80 -p 127.0.0.1::53/udp -p 90-91 -P --expose 443 --expose 70-71/udp -h h --domainname x.org --add-host db:10.0.0.5 --add-host me:host-gateway --link db --link /cache:redis --dns 9.9.9.9 --dns-search x.org --dns-option ndots:2 --dns-opt rotate';
    expect((await cli('container', 'create', ...words.split(' '), 'img')).code).toBe(0);
    expect(sent()).toMatchObject({
      Hostname: 'h',
      Domainname: 'x.org',
      ExposedPorts: { '443/tcp': {}, '70/udp': {}, '71/udp': {}, '80/tcp': {}, '53/udp': {}, '90/tcp': {}, '91/tcp': {} },
      HostConfig: {
        PortBindings: {
          '80/tcp': [{ HostIp: '', HostPort: '8080' }],
          '53/udp': [{ HostIp: '127.0.0.1', HostPort: '' }],
          '90/tcp': [{ HostIp: '', HostPort: '' }],
          '91/tcp': [{ HostIp: '', HostPort: '' }],
        },
        PublishAllPorts: true,
        ExtraHosts: ['db:10.0.0.5', 'me:host-gateway'],
        Links: ['db', '/cache:redis'],
        Dns: ['9.9.9.9'],
        DnsSearch: ['x.org'],
        DnsOptions: ['ndots:2', 'rotate'],
      },
    });
  });

  it.each([
    [['-p', 'web'], `'-p, --publish <port>' argument 'web' is invalid. "web" is no port to publish`],
    [['--expose', '0'], '"0" is no port to expose'],
    [['--network', ''], 'a network needs a name'],
    [['--network', 'name=blue,adress=x'], '"adress=x" in the network'],
    [['--network', 'alias=x'], 'lacks its name'],
    [['--network', 'name=a,name=b'], 'says name twice'],
    [['--network', 'name=a,ip='], 'ip in the network "name=a,ip=" has no value'],
    [['--network', 'blue', '--network', 'blue', '--ip', '1.2.3.4'], 'network blue is named twice'],
    [['--network', 'name=a,ip=1.2.3.4', '--ip', '1.2.3.5'], '--ip says again what ip=1.2.3.4 in --network says'],
    [['--network', 'name=a,alias=x', '--network-alias', 'y'], '--network-alias says again'],
    [['--network', 'name=a,mac-address=02:42:00:00:00:01', '--mac-address', '02:42:00:00:00:02'], '--mac-address says again'],
  ])('refuses %j', async (words, why) => {
    const ran = await cli('run', ...words, 'img');
    expect([ran.code, ran.err]).toEqual([125, expect.stringContaining(why)]);
    expect(daemon.lines).toEqual([]);
  });
});

describe('the long form of a network', () => {
  it('reads back', () => {
    const word = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.:/-]{0,12}$/);
    fc.assert(
      fc.property(word, fc.array(word, { maxLength: 3 }), fc.oneof(fc.constant(''), fc.ipV4()), (name, aliases, ip) => {
        const fields = [`name=${name}`, ...aliases.map((alias) => `alias=${alias}`), ...(ip === '' ? [] : [`ip=${ip}`])];
        expect(parseNetworkOption(fields.toReversed().join(','))).toEqual({ name, aliases: aliases.toReversed(), ip, mac: '' });
      }),
    );
  });

  it('answers junk with a RangeError and nothing else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseNetworkOption(text).name).not.toBe('');
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
