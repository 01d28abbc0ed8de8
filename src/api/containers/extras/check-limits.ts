import { ApiError } from '../../http/api-error.ts';

/** Docker's least memory limit. */
const MINIMUM_MEMORY_BYTES = 6 * 1024 * 1024;
export const NANO_PER_MILLI = 1_000_000;
/** The kernel's, where a quota was asked for without a period; µs. */
export const DEFAULT_PERIOD = 100_000;
const CPUS = /^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$/;

/** HostConfig's limits; what is absent, null or 0 is none. */
export interface LimitFields {
  readonly NanoCpus?: number | null | undefined;
  readonly CpuQuota?: number | null | undefined;
  readonly CpuPeriod?: number | null | undefined;
  readonly CpuShares?: number | null | undefined;
  readonly CpusetCpus?: string | undefined;
  readonly CpusetMems?: string | undefined;
  readonly Memory?: number | null | undefined;
  readonly MemorySwap?: number | null | undefined;
  readonly MemoryReservation?: number | null | undefined;
  readonly PidsLimit?: number | null | undefined;
}

/** Of a container as it is to be, all limits together. @throws ApiError 400: Docker's words where it has some */
export function checkLimits(limits: LimitFields): void {
  checkCpu(limits);
  checkMemory(limits);
}

function checkCpu(limits: LimitFields): void {
  const { NanoCpus, CpuQuota, CpuPeriod, CpuShares } = limits;
  const [nanoCpus, quota, period] = [NanoCpus ?? 0, CpuQuota ?? 0, CpuPeriod ?? 0];
  if (nanoCpus < 0 || (nanoCpus > 0 && nanoCpus < NANO_PER_MILLI)) {
    throw new ApiError(400, `NanoCpus must be 0 or at least ${NANO_PER_MILLI} (--cpus 0.001), got ${nanoCpus}`);
  }
  if (nanoCpus > 0 && quota > 0) throw new ApiError(400, 'Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  if (nanoCpus > 0 && period > 0) throw new ApiError(400, 'Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (period !== 0 && (period < 1_000 || period > 1_000_000)) {
    throw new ApiError(400, `CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000), got ${period}`);
  }
  if (quota !== -1 && quota !== 0 && quota < 1_000)
    throw new ApiError(400, `CPU cfs quota can not be less than 1ms (i.e. 1000), got ${quota}`);
  if ((CpuShares ?? 0) < 0) throw new ApiError(400, `invalid CPU shares (${CpuShares}): value must be a positive integer`);
  for (const [field, what] of [
    ['CpusetCpus', 'cpuset cpus'],
    ['CpusetMems', 'cpuset mems'],
  ] as const) {
    const value = limits[field] ?? '';
    if (value !== '' && !CPUS.test(value)) throw new ApiError(400, `Invalid value ${value.slice(0, 80)} for ${what}`);
  }
}

function checkMemory({ Memory, MemorySwap, MemoryReservation }: LimitFields): void {
  const [memory, swap, reservation] = [Memory ?? 0, MemorySwap ?? 0, MemoryReservation ?? 0];
  if (memory < 0 || (memory > 0 && memory < MINIMUM_MEMORY_BYTES)) {
    throw new ApiError(400, `Minimum memory limit allowed is 6MB: Memory was ${memory} bytes`);
  }
  if (swap < -1) throw new ApiError(400, `MemorySwap must be -1 (no limit), 0 or more bytes, got ${swap}`);
  if (memory === 0 && swap > 0) throw new ApiError(400, 'You should always set the Memory limit when using Memoryswap limit, see usage');
  if (swap > 0 && swap < memory) {
    throw new ApiError(400, `Minimum memoryswap limit should be larger than memory limit, see usage: ${swap} is less than ${memory}`);
  }
  if (reservation < 0 || (reservation > 0 && reservation < MINIMUM_MEMORY_BYTES)) {
    throw new ApiError(400, `Minimum memory reservation allowed is 6MB: MemoryReservation was ${reservation} bytes`);
  }
  if (memory > 0 && reservation > memory) {
    throw new ApiError(400, 'Minimum memory limit can not be less than memory reservation limit, see usage');
  }
}

/** What of a CPU it may use, in millicores; 0: no limit. A quota is one, in other words. */
export function millicoresOf({ NanoCpus, CpuQuota, CpuPeriod }: Pick<LimitFields, 'NanoCpus' | 'CpuQuota' | 'CpuPeriod'>): number {
  const [nanoCpus, quota] = [NanoCpus ?? 0, CpuQuota ?? 0];
  if (nanoCpus > 0) return Math.ceil(nanoCpus / NANO_PER_MILLI);
  return quota > 0 ? Math.ceil((quota * 1_000) / ((CpuPeriod ?? 0) || DEFAULT_PERIOD)) : 0;
}
