import { describe, expect, it } from 'vitest';
import { containerSpec } from '../spec.test-suite.ts';
import { resolvConf } from './etc-files.ts';
import { runtimeSpec, type RuntimeSpecInput } from './runtime-spec.ts';

const input: RuntimeSpecInput = {
  spec: containerSpec(),
  process: { argv: ['/bin/x', 'y'], env: ['A=1'], workingDir: '/', hostname: 'h' },
  user: { uid: 5, gid: 6, additionalGids: [6, 7], home: '/home/five' },
  rootfs: '/r',
  etc: '/e',
  netnsPath: '/ns',
  cgroupsPath: '/caravela-n/id',
  cgroupVersion: 1,
  swapLimit: true,
  capabilities: ['CAP_KILL'],
  seccomp: undefined,
  initPath: undefined,
  noNewPrivileges: false,
  mounts: [],
  volumePath: (name) => `/volumes/${name}/_data`,
  devices: { nodes: [], rules: [] },
  rlimits: [],
  oomScoreAdj: undefined,
  joined: {},
};

describe('runtimeSpec', () => {
  it('has no limits but one on processes where none was asked for', () => {
    const { resources } = runtimeSpec(input).linux;
    expect(resources.cpu).toBeUndefined();
    expect(resources.memory).toBeUndefined();
    expect(resources.pids.limit).toBeGreaterThan(1_000);
    const unlimited = { ...input, spec: containerSpec({ pidsLimit: -1 }) };
    expect(runtimeSpec(unlimited).linux.resources.pids.limit).toBe(-1);
  });

  it('turns CPUs into a quota, and memory into a limit, with as much swap', () => {
    const limited = { ...input, spec: containerSpec({ nanoCpus: 250_000_000, memoryBytes: 1e8, pidsLimit: 9 }) };
    expect(runtimeSpec(limited).linux.resources).toMatchObject({
      cpu: { quota: 25_000, period: 100_000 },
      memory: { limit: 1e8, swap: 2e8 },
      pids: { limit: 9 },
    });
    expect(runtimeSpec({ ...limited, swapLimit: false }).linux.resources.memory).toEqual({ limit: 1e8 });
    expect(runtimeSpec({ ...input, spec: containerSpec({ nanoCpus: 1 }) }).linux.resources.cpu?.quota).toBe(1_000);
  });

  it('denies capabilities to users and sets their home', () => {
    const { process } = runtimeSpec(input);
    expect(process.capabilities).toEqual({ bounding: ['CAP_KILL'], effective: [], permitted: [] });
    expect(process.env).toEqual(['A=1', 'HOME=/home/five']);
    expect(runtimeSpec({ ...input, process: { ...input.process, env: ['HOME=/x'] } }).process.env).toEqual(['HOME=/x']);
  });

  it('joins namespaces as the host has them', () => {
    expect(runtimeSpec(input).linux.namespaces).toContainEqual({ type: 'network', path: '/ns' });
    const types = runtimeSpec({ ...input, netnsPath: undefined, cgroupVersion: 2 }).linux.namespaces.map(({ type }) => type);
    expect(types).toEqual(['pid', 'ipc', 'uts', 'mount', 'cgroup']);
  });

  it('puts an init before the command', () => {
    const spec = runtimeSpec({ ...input, initPath: '/usr/bin/tini-static' });
    expect(spec.process.args).toEqual(['/sbin/docker-init', '--', '/bin/x', 'y']);
    expect(spec.mounts).toContainEqual(expect.objectContaining({ source: '/usr/bin/tini-static', options: ['bind', 'ro'] }));
  });
});

describe('resolvConf', () => {
  it('drops nameservers that only the host reaches', () => {
    expect(resolvConf('search x\nnameserver 127.0.0.53\nnameserver ::1\nnameserver 10.0.0.1\n')).toBe('search x\nnameserver 10.0.0.1\n');
  });

  it('falls back to public ones', () => {
    expect(resolvConf('nameserver 127.0.0.53\n')).toBe('nameserver 8.8.8.8\nnameserver 8.8.4.4\n');
  });
});
