import { describe, expect, it } from 'vitest';
import { containerSpec } from './spec.test-suite.ts';
import { changedLimits, updatedSpec } from './updated-spec.ts';

describe('an updated spec', () => {
  it('has what was asked for, and the rest as it was', () => {
    const spec = containerSpec({ nanoCpus: 1e9, extras: { privileged: true, cpuShares: 5 } });
    expect(updatedSpec(spec, { memoryBytes: 7, cpuShares: 6 })).toEqual({
      ...spec,
      memoryBytes: 7,
      extras: { privileged: true, cpuShares: 6 },
    });
    expect(updatedSpec(spec, {})).toEqual(spec);
    expect(updatedSpec(containerSpec(), { pidsLimit: -2 })).toEqual(containerSpec({ pidsLimit: -1 }));
  });

  it.each([
    [{ nanoCpus: 1e9 }, { cpuQuota: 1 }, 'CPU Quota cannot be updated as NanoCPUs has already been set'],
    [{ nanoCpus: 1e9 }, { cpuPeriod: 1 }, 'CPU Period cannot be updated as NanoCPUs has already been set'],
    [{ extras: { cpuQuota: 1 } }, { nanoCpus: 1 }, 'Nano CPUs cannot be updated as CPU Quota has already been set'],
    [{ extras: { cpuPeriod: 1 } }, { nanoCpus: 1 }, 'Nano CPUs cannot be updated as CPU Period has already been set'],
    [{ memoryBytes: 5, extras: { memorySwapBytes: 6 } }, { memoryBytes: 7 }, 'update the memoryswap at the same time'],
    [{ memoryBytes: 5 }, { memorySwapBytes: 4 }, 'Minimum memoryswap limit should be larger than memory limit'],
  ])('is refused where it contradicts itself: %j and %j', (before, limits, message) => {
    expect(() => updatedSpec(containerSpec(before), limits)).toThrow(message);
  });

  it('changes only what was otherwise', () => {
    const spec = containerSpec({ nanoCpus: 1e9, extras: { cpuShares: 5 } });
    expect(changedLimits(spec, { nanoCpus: 1e9, memoryBytes: 0, cpuShares: 6, cpusetCpus: '0' })).toEqual({
      cpuShares: 6,
      cpusetCpus: '0',
    });
  });
});
