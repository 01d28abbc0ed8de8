const NANO = 1_000_000_000;
const MOST_CPUS = 65_536;

/** `2`, `0.5`, `1.25`: billionths of a core, as HostConfig.NanoCpus. @throws RangeError */
export function parseCpus(text: string): number {
  const cpus = /^(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (!(cpus >= 0 && cpus <= MOST_CPUS)) throw new RangeError(`${JSON.stringify(text)} is not a number of CPUs: write 2 or 0.5`);
  return Math.round(cpus * NANO);
}
