import { describe, expect, it } from 'vitest';
import type { ContainerSpec, MountWish, SpecExtras } from '../port.ts';
import { deviceNumbers, taskDevices } from './runtime-spec-devices.ts';
import { type MountsInput, rootPropagation, taskMounts } from './runtime-spec-mounts.ts';
import { containerOfMode, taskNamespaces } from './runtime-spec-namespaces.ts';
import { parseDeviceRule, taskResources } from './runtime-spec-resources.ts';
import { parseSecurityOptions } from './runtime-spec-security.ts';
import { taskSysctls } from './runtime-spec-sysctls.ts';
import { ownLimits, runtimeLimits } from './runtime-spec-ulimits.ts';

const bind = (target: string, change: object = {}): MountWish => ({
  kind: 'bind',
  source: '/srv',
  target,
  readOnly: false,
  propagation: 'rprivate',
  createSource: false,
  ...change,
});
const input = (mounts: readonly MountWish[], extras: SpecExtras = {}, change: Partial<MountsInput> = {}): MountsInput => ({
  spec: { extras, readonlyRootfs: false },
  mounts,
  volumePath: (name) => `/v/${name}`,
  etc: '/e',
  initPath: undefined,
  sharedMemory: undefined,
  ...change,
});
const at = (destination: string, given: MountsInput) => taskMounts(given).filter((mount) => mount.destination === destination);

describe('mounts', () => {
  it('are what was asked for, with Docker’s options', () => {
    const volume: MountWish = { kind: 'volume', name: 'data', target: '/d', readOnly: true, anonymous: false, noCopy: false, labels: {} };
    const tmpfs: MountWish = { kind: 'tmpfs', target: '/t', readOnly: false, sizeBytes: 1024, mode: 0o700, options: ['exec', 'uid=5'] };
    const given = input([bind('/b', { propagation: 'rslave' }), volume, tmpfs]);
    expect(at('/b', given)).toEqual([{ destination: '/b', type: 'bind', source: '/srv', options: ['rbind', 'rw', 'rslave'] }]);
    expect(at('/b', input([bind('/b', { nonRecursive: true })]))[0]?.options).toEqual(['bind', 'rw', 'rprivate']);
    expect(at('/d', given)).toEqual([{ destination: '/d', type: 'bind', source: '/v/data', options: ['rbind', 'ro', 'rprivate'] }]);
    expect(at('/t', given)[0]?.options).toEqual(['nosuid', 'nodev', 'size=1024', 'mode=700', 'exec', 'uid=5']);
  });

  it('take the place of what every container has, and come before what lies in them', () => {
    const given = input([bind('/etc'), bind('/etc/hosts'), bind('/dev/shm')]);
    expect(at('/dev/shm', given)).toMatchObject([{ source: '/srv' }]);
    expect(at('/etc/hosts', given)).toMatchObject([{ source: '/srv' }]);
    const order = taskMounts(given).map(({ destination }) => destination);
    expect(order.indexOf('/etc')).toBeLessThan(order.indexOf('/etc/resolv.conf'));
  });

  it('leave nothing to write to in a root that is read-only, in what the host keeps of /etc neither', () => {
    const given = { ...input([]), spec: { readonlyRootfs: true } };
    for (const name of ['hosts', 'hostname', 'resolv.conf']) expect(at(`/etc/${name}`, given)[0]?.options).toContain('ro');
    expect(at('/etc/hosts', input([]))[0]?.options).not.toContain('ro');
  });

  it('go into the host only where that was asked for', () => {
    expect(rootPropagation([bind('/a')])).toBeUndefined();
    expect(rootPropagation([bind('/a', { propagation: 'rslave' })])).toBe('slave');
    expect(rootPropagation([bind('/a', { propagation: 'slave' }), bind('/b', { propagation: 'rshared' })])).toBe('shared');
  });

  it('have shared memory as the IPC mode says', () => {
    expect(at('/dev/shm', input([], { shmBytes: 2 ** 20 }))[0]?.options).toContain('size=1024k');
    expect(at('/dev/shm', input([], { ipcMode: 'none' }))).toEqual([]);
    expect(at('/dev/shm', input([], { ipcMode: 'host' }))).toMatchObject([{ source: '/dev/shm', type: 'bind' }]);
    expect(at('/dev/shm', input([], {}, { sharedMemory: '/shm' }))).toMatchObject([{ source: '/shm', type: 'bind' }]);
  });

  it('have the message queues of their IPC namespace, the host’s too, which need no mount on the host', () => {
    for (const extras of [{}, { ipcMode: 'host' }]) expect(at('/dev/mqueue', input([], extras))).toMatchObject([{ type: 'mqueue' }]);
  });

  it('let a privileged container write the kernel’s files', () => {
    expect(at('/sys', input([]))[0]?.options).toContain('ro');
    expect(at('/sys', input([], { privileged: true }))[0]?.options).not.toContain('ro');
    expect(at('/sys/fs/cgroup', input([], { privileged: true }))[0]?.options).not.toContain('ro');
  });
});

describe('resources', () => {
  const of = (spec: Partial<ContainerSpec>, cgroupVersion: 1 | 2 = 1) =>
    taskResources({ spec: { nanoCpus: 0, memoryBytes: 0, pidsLimit: 0, ...spec }, cgroupVersion, swapLimit: true }, []);

  it('are as they were asked for', () => {
    expect(of({ extras: { cpuShares: 512, cpuQuota: 20_000, cpuPeriod: 40_000, cpusetCpus: '0-1', cpusetMems: '0' } }).cpu).toEqual({
      shares: 512,
      quota: 20_000,
      period: 40_000,
      cpus: '0-1',
      mems: '0',
    });
    expect(of({ nanoCpus: 5e8, extras: { cpuQuota: 1, cpuPeriod: 2 } }).cpu).toEqual({ quota: 50_000, period: 100_000 });
    const memory = { memoryBytes: 1e8, extras: { memorySwapBytes: -1, memoryReservationBytes: 5e7, oomKillDisable: true } };
    expect(of(memory).memory).toEqual({ limit: 1e8, swap: -1, reservation: 5e7, disableOOMKiller: true });
    expect(of(memory, 2).memory).toEqual({ limit: 1e8, swap: -1, reservation: 5e7 });
    expect(of({ extras: { cpuShares: 0, cpusetCpus: '', memorySwapBytes: 0, memoryReservationBytes: 0 } })).not.toHaveProperty('memory');
  });

  it('have devices by the kernel’s rules', () => {
    expect(parseDeviceRule('c 42:* rm')).toEqual({ allow: true, type: 'c', major: 42, access: 'rm' });
    expect(parseDeviceRule('a *:* rwm')).toEqual({ allow: true, type: 'a', access: 'rwm' });
    for (const wrong of ['c 42 r', 'x 1:1 r', 'c 1:1 rwmx', 'c 1:1'])
      expect(() => parseDeviceRule(wrong)).toThrow('invalid device cgroup format');
    expect(of({ extras: { deviceCgroupRules: ['b 7:* r'] } }).devices.at(-1)).toEqual({ allow: true, type: 'b', major: 7, access: 'r' });
    expect(of({ extras: { privileged: true } }).devices).toEqual([{ allow: true, access: 'rwm' }]);
  });
});

describe('devices', () => {
  it('are the host’s, under the name they are given', () => {
    const { nodes, rules } = taskDevices({ devices: [{ hostPath: '/dev/null', containerPath: '/dev/nil', permissions: 'r' }] });
    expect(nodes).toMatchObject([{ path: '/dev/nil', type: 'c', major: 1, minor: 3, fileMode: 0o666 }]);
    expect(rules).toEqual([{ allow: true, type: 'c', major: 1, minor: 3, access: 'r' }]);
    const all = taskDevices({ privileged: true }).nodes.map(({ path }) => path);
    expect(all).toContain('/dev/zero');
    expect(all.filter((path) => path === '/dev/ptmx' || path.startsWith('/dev/pts'))).toEqual([]);
  });

  it('are refused where they are none', () => {
    const one = (hostPath: string) => () => taskDevices({ devices: [{ hostPath, containerPath: hostPath, permissions: 'rwm' }] });
    expect(one('/dev/nope')).toThrow(
      'error gathering device information while adding custom device "/dev/nope": no such file or directory',
    );
    expect(one('/etc/passwd')).toThrow('not a device node');
  });

  it('have glibc’s numbers', () => {
    expect(deviceNumbers(0x45 + 259 * 256 + 0x123 * 0x100000)).toEqual({ major: 259, minor: 0x12345 });
  });
});

describe('limits', () => {
  const own = ownLimits(
    new Set(),
    'Max open files            1024                 4096                 files\nMax processes  unlimited unlimited processes\n',
  );

  it('are cut to this daemon’s own, and that is said', () => {
    const cut: unknown[] = [];
    const given = runtimeLimits(
      [{ name: 'nofile', soft: -1, hard: 1e6 + 0 }].map((each) => ({ ...each, soft: 1e5 })),
      own,
      (...args) => cut.push(args),
    );
    expect(given).toEqual([{ type: 'RLIMIT_NOFILE', soft: 4096, hard: 4096 }]);
    expect(cut).toEqual([['nofile', 1e6, 4096]]);
  });

  it('may be none', () => {
    expect(JSON.stringify(runtimeLimits([{ name: 'nproc', soft: 5, hard: -1 }], own, () => undefined))).toBe(
      '[{"type":"RLIMIT_NPROC","soft":5,"hard":18446744073709551615}]',
    );
    const raising = { ...own, mayRaise: true };
    expect(runtimeLimits([{ name: 'nofile', soft: 1, hard: 1e6 }], raising, () => undefined)).toEqual([
      { type: 'RLIMIT_NOFILE', soft: 1, hard: 1e6 },
    ]);
  });

  it('are refused where they make no sense', () => {
    expect(() => runtimeLimits([{ name: 'nope', soft: 1, hard: 1 }], own, () => undefined)).toThrow('invalid ulimit type: nope');
    expect(() => runtimeLimits([{ name: 'nofile', soft: 2, hard: 1 }], own, () => undefined)).toThrow(
      'soft limit must be less than or equal',
    );
    expect(() => runtimeLimits([{ name: 'nofile', soft: -1, hard: 1 }], own, () => undefined)).toThrow(
      'soft limit must be less than or equal',
    );
  });
});

describe('kernel settings', () => {
  const all = { network: true, ipc: true, uts: true };

  it('are a container’s own', () => {
    const set = taskSysctls({ 'net.core.somaxconn': '9', 'kernel.shmmax': '1', 'fs.mqueue.msg_max': '2' }, 'example.org', all);
    expect(set).toMatchObject({
      'net.core.somaxconn': '9',
      'kernel.domainname': 'example.org',
      'net.ipv4.ip_unprivileged_port_start': '0',
    });
    expect(taskSysctls({}, '', { ...all, network: false })).toEqual({});
    expect(taskSysctls({ 'net.ipv4.ip_unprivileged_port_start': '1024' }, '', all)['net.ipv4.ip_unprivileged_port_start']).toBe('1024');
  });

  it.each([
    ['kernel.panic', all, "it is the whole host's"],
    ['vm.swappiness', all, "it is the whole host's"],
    ['net.core.somaxconn', { ...all, network: false }, "container has the host's network"],
    ['kernel.shmmax', { ...all, ipc: false }, 'no IPC namespace of its own'],
    ['net.../../kernel/panic', all, 'no name of one'],
  ])('are refused where others would see them: %s', (name, own, why) => {
    expect(() => taskSysctls({ [name]: '1' }, '', own)).toThrow(why);
  });
});

describe('security options', () => {
  it('are Docker’s', () => {
    expect(parseSecurityOptions([])).toEqual({ noNewPrivileges: false, seccomp: 'default' });
    expect(
      parseSecurityOptions(['no-new-privileges', 'seccomp=unconfined', 'apparmor=unconfined', 'label=disable', 'label:type:x']),
    ).toEqual({
      noNewPrivileges: true,
      seccomp: 'unconfined',
    });
    expect(parseSecurityOptions(['no-new-privileges:false', 'seccomp:unconfined'])).toEqual({
      noNewPrivileges: false,
      seccomp: 'unconfined',
    });
    for (const wrong of ['nope', 'no-new-privileges=maybe', ''])
      expect(() => parseSecurityOptions([wrong])).toThrow('invalid --security-opt');
  });

  it('may bring a profile of their own', () => {
    const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ name: 'mkdir', action: 'SCMP_ACT_ERRNO', comment: 'x' }], extra: 1 };
    expect(parseSecurityOptions([`seccomp=${JSON.stringify(profile)}`]).seccomp).toEqual({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
    });
    for (const wrong of ['{', '{}', '[]', '{"defaultAction":"x"}', '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{}]}', 'null']) {
      expect(() => parseSecurityOptions([`seccomp=${wrong}`])).toThrow('Decoding seccomp profile failed');
    }
  });
});

describe('namespaces', () => {
  const of = (extras: SpecExtras, joined = {}) => taskNamespaces({ extras, netnsPath: '/n', joined, cgroupVersion: 1 });

  it('are the host’s where they are not listed', () => {
    const types = of({ pidMode: 'host', ipcMode: 'host', utsMode: 'host', cgroupnsMode: 'private' }).map(({ type }) => type);
    expect(types).toEqual(['mount', 'network', 'cgroup']);
  });

  it('may be another container’s', () => {
    expect(of({ pidMode: 'container:x' }, { pid: '/proc/5/ns/pid' })).toContainEqual({ type: 'pid', path: '/proc/5/ns/pid' });
    expect(containerOfMode('container:x')).toBe('x');
    expect(containerOfMode('host')).toBeUndefined();
  });
});
