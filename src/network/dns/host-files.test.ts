/** The files that containers read, and the one that we do. */
import { expect, test } from 'vitest';
import { hostSearch, parseSearch, parseServers } from './host-servers.ts';
import { hostsFile } from './hosts-file.ts';
import { DNS_LIMITS } from './limits.ts';
import { resolvConf } from './resolv-conf.ts';

test('resolv.conf names the gateway; names without a dot are asked as they are, unless the user wants it otherwise', () => {
  expect(resolvConf({ gateway: '10.0.0.1', search: [], options: [] })).toBe('nameserver 10.0.0.1\noptions ndots:0\n');
  expect(resolvConf({ gateway: '10.0.0.1', search: ['a.test', 'b.test'], options: ['timeout:1', 'ndots:2'] })).toBe(
    'nameserver 10.0.0.1\nsearch a.test b.test\noptions timeout:1 ndots:2\n',
  );
  expect(resolvConf({ gateway: '10.0.0.1', search: ['.'], options: ['rotate'] })).toBe('nameserver 10.0.0.1\noptions rotate ndots:0\n');
});

test('hosts: loopback, the container on each of its networks, and what the user adds', () => {
  const text = hostsFile({
    hostname: 'web.example.org',
    addresses: ['10.0.0.2', '10.1.0.2'],
    extraHosts: ['db:192.0.2.7', 'host:host-gateway', 'six:2001:db8::1', 'seven=[2001:db8::2]', 'broken', ':1.2.3.4', 'none:'],
    hostGateway: '10.0.0.1',
  });
  expect(text.split('\n')).toEqual([
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'ff00::0\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    '10.0.0.2\tweb.example.org web',
    '10.1.0.2\tweb.example.org web',
    '192.0.2.7\tdb',
    '10.0.0.1\thost',
    '2001:db8::1\tsix',
    '2001:db8::2\tseven',
    '',
  ]);
  const alone = hostsFile({ hostname: '3f2a', addresses: [], extraHosts: ['host:host-gateway'], hostGateway: undefined });
  expect(alone.split('\n').slice(-2)).toEqual(['127.0.0.1\t3f2a', '']);
});

test('search domains of a resolv.conf', () => {
  expect(parseSearch('domain a.test\nnameserver 192.0.2.1\nsearch  b.test c.test \n')).toEqual(['b.test', 'c.test']);
  expect(parseSearch('#search a.test\n')).toEqual([]);
  expect(hostSearch('/nonexistent/resolv.conf')).toEqual([]);
});

test('servers of a resolv.conf', () => {
  const text =
    '# nameserver 1.1.1.1\nnameserver 192.0.2.1\n nameserver\t127.0.0.53 trailing\nnameserver fe80::1%eth0\nnameserver host\nnameserver 192.0.2.1\nsearch a\n';
  expect(parseServers(text)).toEqual(['192.0.2.1', '127.0.0.53', 'fe80::1%eth0']);
  expect(parseServers('')).toEqual([]);
  expect(parseServers(Array.from({ length: 20 }, (_, i) => `nameserver 192.0.2.${i}`).join('\n'))).toHaveLength(DNS_LIMITS.servers);
});
