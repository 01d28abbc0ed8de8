import { type ContainerLimits, type ContainerSpec, EngineError } from './port.ts';

/** The spec as it is after an update: what is absent from `limits` stays. Pure. @throws EngineError wrong-state for limits that contradict one another */
export function updatedSpec(spec: ContainerSpec, limits: ContainerLimits): ContainerSpec {
  const { nanoCpus, memoryBytes, pidsLimit, ...extras } = limits;
  const changed = Object.fromEntries(Object.entries(extras).filter(([, value]) => value !== undefined));
  const updated = {
    ...spec,
    nanoCpus: nanoCpus ?? spec.nanoCpus,
    memoryBytes: memoryBytes ?? spec.memoryBytes,
    pidsLimit: Math.max(-1, pidsLimit ?? spec.pidsLimit),
    ...(Object.keys(changed).length === 0 ? {} : { extras: { ...spec.extras, ...changed } }),
  };
  refuseContradictions(updated, limits);
  return updated;
}

/** Those of `limits` that are other than the spec's. Pure. */
export function changedLimits({ nanoCpus, memoryBytes, pidsLimit, extras }: ContainerSpec, limits: ContainerLimits): ContainerLimits {
  const now: ContainerLimits = { ...extras, nanoCpus, memoryBytes, pidsLimit };
  const isOther = ([name, value]: [string, unknown]): boolean => value !== undefined && now[name as keyof ContainerLimits] !== value;
  return Object.fromEntries(Object.entries(limits).filter(isOther));
}

/** In Docker's words. */
function refuseContradictions({ nanoCpus, memoryBytes, extras = {} }: ContainerSpec, limits: ContainerLimits): void {
  const { cpuQuota = 0, cpuPeriod = 0, memorySwapBytes = 0 } = extras;
  const refuse = (message: string): never => {
    throw new EngineError('wrong-state', message);
  };
  if (nanoCpus > 0 && cpuQuota > 0) {
    const [changed, set] = limits.nanoCpus === undefined ? ['CPU Quota', 'NanoCPUs'] : ['Nano CPUs', 'CPU Quota'];
    refuse(`Conflicting options: ${changed} cannot be updated as ${set} has already been set`);
  }
  if (nanoCpus > 0 && cpuPeriod > 0) {
    const [changed, set] = limits.nanoCpus === undefined ? ['CPU Period', 'NanoCPUs'] : ['Nano CPUs', 'CPU Period'];
    refuse(`Conflicting options: ${changed} cannot be updated as ${set} has already been set`);
  }
  if (memorySwapBytes > 0 && memoryBytes > memorySwapBytes) {
    refuse(
      limits.memorySwapBytes === undefined
        ? 'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time'
        : 'Minimum memoryswap limit should be larger than memory limit, see usage',
    );
  }
}
