import { describe, expect, it } from 'vitest';
import type { NetworkId } from '../core/model/index.ts';
import type { ContainerSpec, EndpointWish, MountWish, PortWish, SpecExtras } from '../engine/port.ts';
import { containerSpec } from '../engine/spec.test-suite.ts';
import { readSpec } from './container-spec.ts';

const ADMITTED = { cpuMillicores: 1_000, memoryBytes: 64 * 1024 * 1024 };
const read = (spec: object): ContainerSpec => readSpec(JSON.stringify(spec), ADMITTED);
const WISH: EndpointWish = {
  network: 'a'.repeat(64) as NetworkId,
  networkName: 'caravela',
  vni: 7,
  ip: '10.210.0.9',
  aliases: ['web'],
  mac: '02:42:0a:d2:00:09',
};
const PORT: PortWish = { containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 8080 };
const BIND: MountWish = {
  kind: 'bind',
  source: '/srv',
  target: '/srv',
  readOnly: true,
  propagation: 'rprivate',
  createSource: true,
  nonRecursive: true,
};
const VOLUME: MountWish = {
  kind: 'volume',
  target: '/data',
  readOnly: false,
  name: 'data',
  anonymous: false,
  noCopy: true,
  labels: { a: 'b' },
};
const TMPFS: MountWish = { kind: 'tmpfs', target: '/run', readOnly: false, sizeBytes: 1024, mode: 0o1777, options: ['noexec', 'uid=1000'] };
const EXTRAS: SpecExtras = {
  privileged: true,
  cpuShares: 512,
  cpusetCpus: '0-3,5',
  memorySwapBytes: -1,
  ulimits: [{ name: 'nofile', soft: 1024, hard: -1 }],
  sysctls: { 'net.core.somaxconn': '1024' },
  groupAdd: ['audio', '29'],
  devices: [{ hostPath: '/dev/fuse', containerPath: '/dev/fuse', permissions: 'rwm' }],
  deviceCgroupRules: ['c 42:* rmw'],
  securityOptions: ['no-new-privileges', 'seccomp=unconfined'],
  pidMode: `container:${'a'.repeat(64)}`,
  ipcMode: 'shareable',
  maskedPaths: [],
  healthcheck: { test: ['CMD', 'true'], interval: 1e9, timeout: 0, startPeriod: 0, retries: 3 },
};

describe('readSpec', () => {
  it('takes what another node of this release writes', () => {
    const spec = containerSpec({
      networkMode: 'networks',
      networks: [WISH, { ...WISH, ip: '', mac: '' }],
      ports: [PORT],
      dns: { servers: ['1.1.1.1', '2606:4700::1'], search: ['example.org'], options: ['ndots:2'] },
      extraHosts: ['db:10.0.0.1', 'six:::1'],
      mounts: [BIND, VOLUME, TMPFS],
      askedMounts: { binds: ['/srv:/srv:ro'], mounts: [{ Type: 'tmpfs', Target: '/run' }], tmpfs: { '/tmp': 'size=1m' }, volumesFrom: [] },
      extras: EXTRAS,
    });
    expect(read(spec)).toEqual(spec);
  });

  it.each([
    ['another network mode', { networkMode: 'bridge' }],
    ['a network id that is none', { networks: [{ ...WISH, network: '../x' }] }],
    ['too many networks', { networks: Array.from({ length: 17 }, () => WISH) }],
    ['a VNI of 25 bits', { networks: [{ ...WISH, vni: 2 ** 24 }] }],
    ['an address that is none', { networks: [{ ...WISH, ip: '10.0.0.1 up' }] }],
    ['a MAC that is none', { networks: [{ ...WISH, mac: '02:42' }] }],
    ['an alias of two lines', { networks: [{ ...WISH, aliases: ['web\n1.2.3.4 bank'] }] }],
    ['a nameserver of two lines', { dns: { servers: ['1.1.1.1\nsearch evil'], search: [], options: [] } }],
    ['a host of two lines', { extraHosts: ['a:1.1.1.1\n2.2.2.2 bank'] }],
    ['port 0 of the container', { ports: [{ ...PORT, containerPort: 0 }] }],
    ['port 65536 of the host', { ports: [{ ...PORT, hostPort: 65_536 }] }],
    ['another protocol', { ports: [{ ...PORT, protocol: 'sctp' }] }],
    ['a mount of another kind', { mounts: [{ ...BIND, kind: 'npipe' }] }],
    ['a target that is not absolute', { mounts: [{ ...BIND, target: 'srv' }] }],
    ['a source with a NUL byte', { mounts: [{ ...BIND, source: '/srv\0' }] }],
    ['a volume that is a path', { mounts: [{ ...VOLUME, name: '../../etc' }] }],
    ['two tmpfs options in one', { mounts: [{ ...TMPFS, options: ['noexec,suid'] }] }],
    ['too many mounts', { mounts: Array.from({ length: 257 }, () => BIND) }],
    ['a device without a path', { extras: { devices: [{ hostPath: '', containerPath: '/x', permissions: 'r' }] } }],
    ['an endless security option', { extras: { securityOptions: [`seccomp=${'x'.repeat(2 ** 18)}`] } }],
    ['a sysctl of two lines', { extras: { sysctls: { 'net.core.somaxconn': '1\n2' } } }],
    ['a set of processors that is none', { extras: { cpusetCpus: '0; rm' } }],
    ['too many ports', { ports: Array.from({ length: 257 }, () => PORT) }],
  ])('refuses %s', (_, change) => {
    expect(() => read({ ...containerSpec(), ...change })).toThrow('install the same release');
  });

  it('refuses more than was admitted, and what is no JSON', () => {
    expect(() => read(containerSpec({ nanoCpus: 2e9 }))).toThrow('limits it to 2000 millicores');
    expect(() => readSpec('{', ADMITTED)).toThrow('install the same release');
  });
});
