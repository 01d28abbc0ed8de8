/** What a node offers and a container holds. Counted devices come later. */
export interface Resources {
  /** Thousandths of a core. */
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
}

export const MIB = 1024 * 1024;

export const NO_RESOURCES: Resources = { cpuMillicores: 0, memoryBytes: 0 };

/** What a container without a CPU or memory figure in its request holds (DESIGN §2.1). */
export const DEFAULT_RESERVATION: Resources = { cpuMillicores: 100, memoryBytes: 64 * MIB };

export function add(a: Resources, b: Resources): Resources {
  return { cpuMillicores: a.cpuMillicores + b.cpuMillicores, memoryBytes: a.memoryBytes + b.memoryBytes };
}

export function subtract(a: Resources, b: Resources): Resources {
  return { cpuMillicores: a.cpuMillicores - b.cpuMillicores, memoryBytes: a.memoryBytes - b.memoryBytes };
}

/** Of each dimension the larger figure. */
export function larger(a: Resources, b: Resources): Resources {
  return { cpuMillicores: Math.max(a.cpuMillicores, b.cpuMillicores), memoryBytes: Math.max(a.memoryBytes, b.memoryBytes) };
}

/** Whether `wanted` fits into `free` in every dimension. */
export function fits(wanted: Resources, free: Resources): boolean {
  return wanted.cpuMillicores <= free.cpuMillicores && wanted.memoryBytes <= free.memoryBytes;
}

export function sameResources(a: Resources, b: Resources): boolean {
  return a.cpuMillicores === b.cpuMillicores && a.memoryBytes === b.memoryBytes;
}
