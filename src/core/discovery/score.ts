import type { CpuClass, Need, Resources } from '../model/index.ts';
import { classRank } from '../model/filter.ts';

const CLASS_WEIGHT = 4;
const ALIGNMENT = 10;

/**
 * How well an offer suits a need, lower is better (DESIGN §6): little is left over, and the offer's
 * shape points where the need's does, so that neither CPU nor memory is stranded. `spread` wants the
 * opposite of what is left. Resources are measured in the mean capacity of the members alive.
 */
export function score(need: Need, offer: { readonly class: CpuClass; readonly free: Resources }, mean: Resources): number {
  const cpu = offer.free.cpuMillicores / mean.cpuMillicores;
  const memory = offer.free.memoryBytes / mean.memoryBytes;
  const wantedCpu = need.resources.cpuMillicores / mean.cpuMillicores;
  const wantedMemory = need.resources.memoryBytes / mean.memoryBytes;
  const lengths = Math.hypot(cpu, memory) * Math.hypot(wantedCpu, wantedMemory);
  const cosine = lengths > 0 ? (cpu * wantedCpu + memory * wantedMemory) / lengths : 0;
  const binpack =
    CLASS_WEIGHT * (classRank(offer.class) - classRank(need.class)) + (cpu - wantedCpu) + (memory - wantedMemory) - ALIGNMENT * cosine;
  return need.policy === 'spread' ? -binpack : binpack;
}
