import { describe, expect, it } from 'vitest';
import { checked } from '../../http/check.ts';
import { CREATE_BODY } from '../create-body.ts';
import { checkCreate } from '../create-request.ts';

const MiB = 1024 * 1024;
const check = (HostConfig: object, more: object = {}) =>
  checkCreate(checked(CREATE_BODY, { Image: 'busybox', HostConfig, ...more }, 'the body'));

describe('the rarer options', () => {
  it('are none where a client sends Docker’s zeros for all of them', () => {
    const zeros = {
      Privileged: false,
      CpuShares: 0,
      CpuQuota: 0,
      CpuPeriod: 0,
      CpusetCpus: '',
      MemorySwap: 0,
      MemorySwappiness: -1,
      MemoryReservation: 0,
      KernelMemory: 0,
      OomScoreAdj: 0,
      OomKillDisable: false,
      ShmSize: 0,
      Ulimits: null,
      Sysctls: {},
      GroupAdd: null,
      Devices: [],
      DeviceRequests: null,
      DeviceCgroupRules: null,
      SecurityOpt: null,
      PidMode: '',
      IpcMode: '',
      UTSMode: '',
      CgroupnsMode: '',
      UsernsMode: '',
      MaskedPaths: null,
      ReadonlyPaths: null,
      Isolation: '',
      BlkioWeight: 0,
    };
    expect(check(zeros, { Healthcheck: { Test: [] } })).toMatchObject({ extras: {}, warnings: [], mounts: { mounts: [] } });
  });

  it('are taken over', () => {
    const { extras } = check(
      {
        CpuShares: 512,
        CpuPeriod: 50_000,
        CpuQuota: 25_000,
        Memory: 64 * MiB,
        MemorySwap: -1,
        MemoryReservation: 32 * MiB,
        OomKillDisable: true,
        Ulimits: [{ Name: 'core', Soft: 0, Hard: -1 }],
        Devices: [{ PathOnHost: '/dev/null', PathInContainer: '', CgroupPermissions: '' }],
        DeviceCgroupRules: ['c 1:3 rw'],
        CgroupnsMode: 'host',
        MaskedPaths: [],
        ReadonlyPaths: ['/proc/sys'],
      },
      { Healthcheck: { Test: ['NONE'] } },
    );
    expect(extras).toEqual({
      cpuShares: 512,
      cpuPeriod: 50_000,
      cpuQuota: 25_000,
      memorySwapBytes: -1,
      memoryReservationBytes: 32 * MiB,
      oomKillDisable: true,
      ulimits: [{ name: 'core', soft: 0, hard: -1 }],
      devices: [{ hostPath: '/dev/null', containerPath: '/dev/null', permissions: 'rwm' }],
      deviceCgroupRules: ['c 1:3 rw'],
      cgroupnsMode: 'host',
      maskedPaths: [],
      readonlyPaths: ['/proc/sys'],
      healthcheck: { test: ['NONE'], interval: 0, timeout: 0, startPeriod: 0, retries: 0 },
    });
  });

  it.each<[object, number, string]>([
    [{ NanoCpus: 1e9, CpuQuota: 10_000 }, 400, 'Nano CPUs and CPU Quota cannot both be set'],
    [{ NanoCpus: 1e9, CpuPeriod: 10_000 }, 400, 'Nano CPUs and CPU Period cannot both be set'],
    [{ CpuPeriod: 999 }, 400, 'CPU cfs period'],
    [{ CpuQuota: 999 }, 400, 'CPU cfs quota'],
    [{ CpusetCpus: '0-' }, 400, 'Invalid value 0- for cpuset cpus'],
    [{ MemorySwap: 8 * MiB }, 400, 'You should always set the Memory limit'],
    [{ Memory: 16 * MiB, MemorySwap: 8 * MiB }, 400, 'Minimum memoryswap limit'],
    [{ Memory: 16 * MiB, MemoryReservation: 32 * MiB }, 400, 'can not be less than memory reservation'],
    [{ MemoryReservation: 1 }, 400, 'Minimum memory reservation allowed is 6MB'],
    [{ OomScoreAdj: 1001 }, 400, 'range for oom score adj is [-1000, 1000]'],
    [{ ShmSize: -1 }, 400, 'SHM size'],
    [{ Ulimits: [{ Name: 'odd', Soft: 1, Hard: 1 }] }, 400, 'invalid ulimit type: odd'],
    [{ Ulimits: [{ Name: 'nofile', Soft: 2, Hard: 1 }] }, 400, '2 > 1'],
    [{ Sysctls: { 'vm.swappiness': '1' } }, 400, 'not in a separate kernel namespace'],
    [{ PidMode: 'odd' }, 400, 'invalid PID mode: odd'],
    [{ UTSMode: 'container:x' }, 400, 'invalid UTS mode'],
    [{ Devices: [{ PathOnHost: 'null' }] }, 400, 'absolute paths'],
    [{ Devices: [{ PathOnHost: '/dev/null', CgroupPermissions: 'x' }] }, 400, 'invalid device mode'],
    [{ DeviceCgroupRules: ['all'] }, 400, "'all'"],
    [{ DeviceRequests: [{ Driver: 'nvidia' }] }, 501, '--gpus'],
    [{ CgroupParent: '/x' }, 501, 'cgroup parents'],
  ])('refuses %j', (HostConfig, status, words) => {
    expect(() => check(HostConfig)).toThrow(expect.objectContaining({ status, message: expect.stringContaining(words) as string }));
  });

  it.each<[object, string]>([
    [{ Test: ['ODD', 'x'] }, 'Unknown healthcheck type "ODD"'],
    [{ Test: ['CMD', 'x'], Interval: 1 }, 'Interval in Healthcheck cannot be less than 1ms'],
    [{ Retries: -1 }, 'Retries in Healthcheck cannot be negative'],
  ])('refuses the health check %j', (Healthcheck, words) => {
    expect(() => check({}, { Healthcheck })).toThrow(words);
  });
});
