import { describe, expect, it } from 'vitest';
import type { ContainerLimits } from '../../port.ts';
import { containerSpec } from '../../spec.test-suite.ts';
import { updatedSpec } from '../../updated-spec.ts';
import { limits as taskLimits } from '../runtime-spec-resources.ts';
import { limitWrites } from './limit-writes.ts';

const MIB = 1024 * 1024;

function writes(version: 1 | 2, limits: ContainerLimits, before: ContainerLimits = {}, memoryNow = Infinity): string[] {
  const spec = updatedSpec(updatedSpec(containerSpec(), before), limits);
  const resources = taskLimits({ spec, cgroupVersion: version, swapLimit: true });
  return limitWrites(version, memoryNow, { limits, resources, swap: true }).map(
    ({ controller, file, value }) => `${controller}/${file} ${value}`,
  );
}

describe('limits', () => {
  it('are CPU time', () => {
    expect(writes(1, { nanoCpus: 1.5e9 })).toEqual(['cpu/cpu.cfs_period_us 100000', 'cpu/cpu.cfs_quota_us 150000']);
    expect(writes(1, { nanoCpus: 0 })).toEqual(['cpu/cpu.cfs_period_us 100000', 'cpu/cpu.cfs_quota_us -1']);
    expect(writes(2, { nanoCpus: 1.5e9 })).toEqual(['cpu/cpu.max 150000 100000']);
    expect(writes(2, { cpuQuota: 5_000 }, { cpuPeriod: 20_000 })).toEqual(['cpu/cpu.max 5000 20000']);
    expect(writes(2, { cpuPeriod: 20_000 })).toEqual(['cpu/cpu.max max 20000']);
    expect(writes(1, { nanoCpus: 1 })).toContain('cpu/cpu.cfs_quota_us 1000');
  });

  it('are shares and CPUs', () => {
    expect(writes(1, { cpuShares: 512, cpusetCpus: '0', cpusetMems: '0' })).toEqual([
      'cpu/cpu.shares 512',
      'cpuset/cpuset.cpus 0',
      'cpuset/cpuset.mems 0',
    ]);
    expect(writes(2, { cpuShares: 1_024 })).toEqual(['cpu/cpu.weight 39']);
    expect(writes(2, { cpuShares: 262_144 })).toEqual(['cpu/cpu.weight 10000']);
  });

  it('are memory, in an order that the kernel takes', () => {
    const [alone, both] = ['memory/memory.limit_in_bytes', 'memory/memory.memsw.limit_in_bytes'];
    expect(writes(1, { memoryBytes: 64 * MIB }, {}, 128 * MIB)).toEqual([`${alone} ${64 * MIB}`, `${both} ${128 * MIB}`]);
    expect(writes(1, { memoryBytes: 64 * MIB }, {}, 32 * MIB)).toEqual([`${both} ${128 * MIB}`, `${alone} ${64 * MIB}`]);
    expect(writes(1, { memoryBytes: 0 }, {}, 32 * MIB)).toEqual([`${both} -1`, `${alone} -1`]);
    expect(writes(1, { memorySwapBytes: -1 }, { memoryBytes: 64 * MIB }, 64 * MIB)).toEqual([`${alone} ${64 * MIB}`, `${both} -1`]);
  });

  it('are memory and swap apart on v2', () => {
    expect(writes(2, { memoryBytes: 64 * MIB })).toEqual([`memory/memory.max ${64 * MIB}`, `memory/memory.swap.max ${64 * MIB}`]);
    expect(writes(2, { memoryBytes: 64 * MIB, memorySwapBytes: 96 * MIB })).toEqual([
      `memory/memory.max ${64 * MIB}`,
      `memory/memory.swap.max ${32 * MIB}`,
    ]);
    expect(writes(2, { memoryBytes: 0 })).toEqual(['memory/memory.max max', 'memory/memory.swap.max max']);
  });

  it('are reservations and pids', () => {
    expect(writes(1, { memoryReservationBytes: MIB, pidsLimit: 7 })).toEqual([
      `memory/memory.soft_limit_in_bytes ${MIB}`,
      'pids/pids.max 7',
    ]);
    expect(writes(2, { memoryReservationBytes: MIB, pidsLimit: -1 })).toEqual([`memory/memory.low ${MIB}`, 'pids/pids.max max']);
  });

  it('that are absent stay', () => {
    expect(writes(1, {}, { nanoCpus: 1e9, memoryBytes: MIB, pidsLimit: 5 })).toEqual([]);
    expect(writes(2, {}, { nanoCpus: 1e9, memoryBytes: MIB, pidsLimit: 5 })).toEqual([]);
  });
});
