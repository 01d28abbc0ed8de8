import type { ContainerSpec, ContainerStats } from '../port.ts';

const MIB = 1024 * 1024;
const HOST_MEMORY = 1024 * MIB;
const HOST_CPUS = 2;

/** What a kernel would count if each process took one hundredth of a CPU and 1 MiB; the host is as idle as real. */
export function fakeStats(
  startedAtMs: number,
  processes: number,
  { memoryBytes, pidsLimit }: Pick<ContainerSpec, 'memoryBytes' | 'pidsLimit'>,
): ContainerStats {
  const usageNs = Math.max(0, Date.now() - startedAtMs) * 10_000 * processes;
  return {
    cpu: {
      usageNs,
      userNs: usageNs,
      kernelNs: 0,
      periods: 0,
      throttledPeriods: 0,
      throttledNs: 0,
      systemNs: Date.now() * 1_000_000 * HOST_CPUS,
      onlineCpus: HOST_CPUS,
    },
    memory: { usage: processes * MIB, limit: memoryBytes || HOST_MEMORY, details: {} },
    pids: { current: processes, limit: Math.max(0, pidsLimit) },
    blockIo: [],
    networks: {},
  };
}
