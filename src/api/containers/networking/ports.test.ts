import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portsClash } from '../../../core/model/index.ts';
import { formatIpv4 } from '../../../lib/ipv4.ts';
import { ApiError } from '../../http/api-error.ts';
import { hostPortsOfWishes, parseBindings, parsePorts, portText } from './ports.ts';

const port = fc.integer({ min: 1, max: 65_535 });
const protocol = fc.constantFrom('tcp' as const, 'udp' as const);

describe('ports of a container', () => {
  it('are read as Docker writes them', () => {
    expect(parsePorts('80')).toEqual([{ port: 80, protocol: 'tcp' }]);
    expect(parsePorts('53/udp')).toEqual([{ port: 53, protocol: 'udp' }]);
    expect(parsePorts('8000-8002/TCP').map(portText)).toEqual(['8000/tcp', '8001/tcp', '8002/tcp']);
  });

  it.each([
    ['', 400, 'invalid port specification: ""'],
    ['0', 400, '"0"'],
    ['65536/tcp', 400, '"65536/tcp"'],
    ['90-80', 400, '"90-80"'],
    ['1-65535', 400, 'may have 256 of them, 1-65535 has 65535'],
    ['80/icmp', 400, 'tcp or udp, got "80/icmp"'],
    ['80/sctp', 501, 'tcp or udp, got "80/sctp"'],
  ])('are refused: %s', (text, status, words) => {
    expect(() => parsePorts(text)).toThrow(words);
    try {
      parsePorts(text);
    } catch (error) {
      expect((error as ApiError).status).toBe(status);
    }
  });

  it('read back to what was written, whatever the range', () => {
    fc.assert(
      fc.property(port, fc.nat(255), protocol, (from, more, word) => {
        const to = Math.min(65_535, from + more);
        expect(parsePorts(`${from}-${to}/${word}`)).toEqual(
          Array.from({ length: to - from + 1 }, (_, i) => ({ port: from + i, protocol: word })),
        );
      }),
    );
  });
});

describe('published ports', () => {
  it('are taken apart, addresses as asked; a port of none is any', () => {
    expect(
      parseBindings({
        '80/tcp': [
          { HostIp: '', HostPort: '8080' },
          { HostIp: '127.0.0.1', HostPort: '' },
        ],
        '53/udp': [{ HostIp: '0.0.0.0', HostPort: '0' }],
        '90-91': [{ HostPort: '190-191' }],
        '92/tcp': [{ HostPort: '8080-9090' }],
        '443/tcp': null,
        '444/tcp': [],
      }),
    ).toEqual([
      { containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 8080 },
      { containerPort: 80, protocol: 'tcp', hostIp: '127.0.0.1', hostPort: 0 },
      { containerPort: 53, protocol: 'udp', hostIp: '0.0.0.0', hostPort: 0 },
      { containerPort: 90, protocol: 'tcp', hostIp: '', hostPort: 190 },
      { containerPort: 91, protocol: 'tcp', hostIp: '', hostPort: 191 },
      { containerPort: 92, protocol: 'tcp', hostIp: '', hostPort: 8080, hostRange: { first: 8080, last: 9090 } },
    ]);
  });

  it.each([
    [{ '80/tcp': [{ HostPort: 'web' }] }, 'invalid host port: "web" for 80/tcp'],
    [{ '80/tcp': [{ HostPort: '65536' }] }, 'invalid host port'],
    [{ '80-81': [{ HostPort: '8000-8005' }] }, 'invalid ranges specified for container and host ports: 8000-8005 has 6 and 80-81 2'],
    [{ '80/tcp': [{ HostIp: 'here', HostPort: '80' }] }, 'invalid IP address to publish a port at: "here"'],
    [{ '80/tcp': [{ HostIp: '::1', HostPort: '80' }] }, 'not an IPv4 address'],
    [
      { '80/tcp': [{ HostPort: '80' }], '81/tcp': [{ HostIp: '10.0.0.1', HostPort: '80' }] },
      'port 80/tcp of the host is published twice, to 80 and to 81',
    ],
    [{ '1-256/tcp': [{}], '1/udp': [{}] }, 'at most 256 ports, got 257'],
  ])('are refused: %j', (bindings, words) => {
    expect(() => parseBindings(bindings)).toThrow(words);
  });

  it('name ports that no two of them share, or are refused', () => {
    const binding = fc.record({
      HostIp: fc.constantFrom('', '0.0.0.0', '10.0.0.1', '10.0.0.2'),
      HostPort: fc.integer({ min: 0, max: 4 }).map(String),
    });
    const key = fc.tuple(fc.integer({ min: 1, max: 3 }), protocol).map(([n, word]) => `${n}/${word}`);
    fc.assert(
      fc.property(fc.dictionary(key, fc.array(binding, { maxLength: 3 }), { maxKeys: 4 }), (bindings) => {
        const asked = Object.values(bindings).flat();
        try {
          const wishes = parseBindings(bindings);
          const named = hostPortsOfWishes(wishes);
          expect(wishes).toHaveLength(asked.length);
          expect(named).toHaveLength(asked.filter(({ HostPort }) => HostPort !== '0').length);
          for (const [i, a] of named.entries()) for (const b of named.slice(0, i)) expect(portsClash(a, b)).toBe(false);
          for (const { ip } of named) expect(['0.0.0.0', '10.0.0.1', '10.0.0.2']).toContain(formatIpv4(ip));
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          expect(error.message).toContain('published twice');
        }
      }),
    );
  });

  it('answer junk with a sentence and nothing else', () => {
    const junk = fc.dictionary(fc.string({ maxLength: 12 }), fc.array(fc.record({ HostIp: fc.string(), HostPort: fc.string() })));
    fc.assert(
      fc.property(junk, (bindings) => {
        try {
          parseBindings(bindings);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
        }
      }),
    );
  });
});
