import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExpose, parsePublish, portBindings } from './publish.ts';

const short = (text: string) => parsePublish(text).map(({ Port, HostIp, HostPort }) => `${HostIp}|${HostPort}|${Port}`);

describe('--publish', () => {
  it.each([
    ['80', ['||80/tcp']],
    ['53/udp', ['||53/udp']],
    ['8080:80', ['|8080|80/tcp']],
    ['8080:80/UDP', ['|8080|80/udp']],
    [':80', ['||80/tcp']],
    ['127.0.0.1:8080:80', ['127.0.0.1|8080|80/tcp']],
    ['127.0.0.1::80', ['127.0.0.1||80/tcp']],
    ['0.0.0.0:53:53/udp', ['0.0.0.0|53|53/udp']],
    ['8000-8010:80', ['|8000-8010|80/tcp']],
    ['10.0.0.1:1024-65535:53/udp', ['10.0.0.1|1024-65535|53/udp']],
    ['8000-8000:80', ['|8000|80/tcp']],
    ['90-91', ['||90/tcp', '||91/tcp']],
    ['8000-8001:90-91/tcp', ['|8000|90/tcp', '|8001|91/tcp']],
    ['10.0.0.1:8000-8001:90-91', ['10.0.0.1|8000|90/tcp', '10.0.0.1|8001|91/tcp']],
    ['10.0.0.1::90-91', ['10.0.0.1||90/tcp', '10.0.0.1||91/tcp']],
  ])('%s', (text, published) => {
    expect(short(text)).toEqual(published);
  });

  it.each([
    ['', 'is no port to publish: write 80, 8080:80'],
    ['web', '"web" is no port'],
    ['0', '"0" is no port'],
    ['65536', '"65536" is no port'],
    ['80:', '"80:" is no port'],
    ['91-90', '"91-90" is no port'],
    ['80/icmp', '"80/icmp" is no port'],
    ['80/', '"80/" is no port'],
    ['::80', '"::80" is no port'],
    ['1:2:3:4', '"1:2:3:4" is no port'],
    ['[::1]80', '"[::1]80" is no port'],
    ['[::1]:80:80', 'publishes at an IPv6 address'],
    ['8000-8010:80-81', 'has 11 ports of the host for 2 of the container'],
    ['8010-8000:80', '"8010-8000:80" is no port'],
    ['1-1000', 'a range of 1000 ports, of which there may be 256'],
  ])('refuses %j', (text, words) => {
    expect(() => parsePublish(text)).toThrow(RangeError);
    expect(() => parsePublish(text)).toThrow(words);
  });

  it('reads back whatever was meant', () => {
    const port = fc.integer({ min: 1, max: 65_535 - 255 });
    const ip = fc.oneof(fc.constant(''), fc.ipV4());
    fc.assert(
      fc.property(ip, fc.option(port), port, fc.nat(255), fc.constantFrom('', '/tcp', '/udp'), (HostIp, host, from, more, suffix) => {
        const range = (first: number) => (more === 0 ? String(first) : `${first}-${first + more}`);
        const outside = host === null ? (HostIp === '' ? '' : ':') : `${range(host)}:`;
        const published = parsePublish(`${HostIp === '' ? '' : `${HostIp}:`}${outside}${range(from)}${suffix}`);
        const protocol = suffix === '/udp' ? 'udp' : 'tcp';
        expect(published).toEqual(
          Array.from({ length: more + 1 }, (_, i) => ({
            Port: `${from + i}/${protocol}`,
            HostIp,
            HostPort: host === null ? '' : String(host + i),
          })),
        );
        expect(Object.values(portBindings(published)).flat()).toHaveLength(published.length);
      }),
    );
  });

  it('answers junk with a RangeError and nothing else', () => {
    const junk = fc.oneof(fc.string(), fc.stringMatching(/^[0-9:./[\]-]{0,16}$/));
    fc.assert(
      fc.property(junk, (text) => {
        for (const parse of [parsePublish, parseExpose]) {
          try {
            parse(text);
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
          }
        }
      }),
    );
  });
});

describe('--expose', () => {
  it('takes ports and ranges', () => {
    expect(parseExpose('80')).toEqual(['80/tcp']);
    expect(parseExpose('53/udp')).toEqual(['53/udp']);
    expect(parseExpose('80-82/TCP')).toEqual(['80/tcp', '81/tcp', '82/tcp']);
    for (const bad of ['', 'x', '80/', '8080:80', '0']) expect(() => parseExpose(bad)).toThrow('is no port to expose');
  });
});
