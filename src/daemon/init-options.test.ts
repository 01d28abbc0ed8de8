import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { initOptions, type InitRequest, parseBootstrap } from './init-options.ts';

const request = (change: Partial<InitRequest> = {}): InitRequest => ({ command: 'create', dataDir: '/d', runDir: '/r', ...change });

describe('options of create and join', () => {
  test('have defaults', () => {
    expect(initOptions(request({ name: 'pi' }))).toEqual({
      name: 'pi',
      labels: {},
      class: 'low',
      ip: undefined,
      interface: undefined,
      port: 8001,
      gossipPort: 8000,
      agreementPort: 2380,
      vxlanPort: 4789,
      defaultSubnet: { base: 0x0ad20000, prefix: 16 },
      reserveCpuMillicores: 0,
      reserveMemoryBytes: 0,
      overcommit: 1,
      open: false,
      insecureRegistries: [],
      leasesEndAfterDays: 7,
    });
  });

  test('read sizes as run does', () => {
    const options = initOptions(request({ reserveCpus: '0.5', reserveMemory: '256m' }));
    expect([options.reserveCpuMillicores, options.reserveMemoryBytes]).toEqual([500, 256 * 2 ** 20]);
  });

  test.each<[Partial<InitRequest>, RegExp]>([
    [{ name: 'Ünïcode' }, /"Ünïcode" cannot be a node's name/],
    [{ port: 0 }, /--port must be 1 to 65535, got 0/],
    [{ gossipPort: 70_000 }, /--gossip-port must be 1 to 65535, got 70000/],
    [
      { defaultSubnet: '10.0.0.1/16' },
      /--default-subnet must be an IPv4 block from \/8 to \/24 such as 10\.210\.0\.0\/16, got "10\.0\.0\.1\/16"/,
    ],
    [{ defaultSubnet: '10.0.0.0/28' }, /got "10\.0\.0\.0\/28"/],
    [{ defaultSubnet: '198.18.0.0/16' }, /--default-subnet 198\.18\.0\.0\/16 overlaps 198\.18\.0\.0\/15, where nodes have/],
    [{ defaultSubnet: '169.254.0.0/16' }, /--default-subnet 169\.254\.0\.0\/16 is not for hosts/],
    [{ class: 'huge' }, /--class must be low or high, got "huge"/],
    [{ overcommit: 0 }, /--overcommit must be a number above 0/],
    [{ reserveCpus: 'two' }, /"two" is not a number of CPUs/],
    [{ labels: { a: 'x'.repeat(300) } }, /256 bytes in all: these are 1 of 301 bytes/],
    [{ insecureRegistries: ['http://10.0.0.1'] }, /"http:\/\/10\.0\.0\.1" is not a registry/],
  ])('refuse %j by value', (change, message) => {
    expect(() => initOptions(request(change))).toThrow(message);
  });

  test('take registries by host, port and network', () => {
    const insecureRegistries = ['registry.local', '10.0.0.1:5000', '10.0.0.0/8', 'fd00::/8'];
    expect(initOptions(request({ insecureRegistries })).insecureRegistries).toEqual(insecureRegistries);
  });
});

describe('the bootstrap node', () => {
  test.each([
    ['10.0.0.1', { host: '10.0.0.1', port: 8001 }],
    ['10.0.0.1:9', { host: '10.0.0.1', port: 9 }],
    ['fd00::1', { host: 'fd00::1', port: 8001 }],
    ['[fd00::1]:9', { host: 'fd00::1', port: 9 }],
    ['pi.local', { host: 'pi.local', port: 8001 }],
  ])('%s', (text, bootstrap) => {
    expect(parseBootstrap(text)).toEqual(bootstrap);
  });

  test('is refused by value', () => {
    expect(() => parseBootstrap('http://x')).toThrow(/"http:\/\/x" is not an address of a node/);
    expect(() => parseBootstrap('x:0')).toThrow(/port must be 1 to 65535, got 0/);
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseBootstrap(text).port).toBeGreaterThan(0);
        } catch (error) {
          expect((error as Error).message).not.toBe('');
        }
      }),
    );
  });
});
