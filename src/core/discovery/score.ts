import type { CpuClass, Need, Resources } from '../model/index.ts';
import { classRank } from '../model/filter.ts';

const CLASS_WEIGHT = 4;
const ALIGNMENT = 10;

/**
 * How well an offer suits a need, lower is better (DESIGN §6). `binpack`: little is left over, and the
 * offer's shape points where the need's does, so that neither CPU nor memory is stranded. `spread`: much
 * is left over; shape has no part in it, as turning that sign would seek the worst shapes, which are
 * those of the nodes that are already loaded (ADR 7). Either way a higher class than needed costs.
 * Resources are measured in the mean capacity of the members alive.
 */
export function score(need: Need, offer: { readonly class: CpuClass; readonly free: Resources }, mean: Resources): number {
  const cpu = offer.free.cpuMillicores / mean.cpuMillicores;
  const memory = offer.free.memoryBytes / mean.memoryBytes;
  const wantedCpu = need.resources.cpuMillicores / mean.cpuMillicores;
  const wantedMemory = need.resources.memoryBytes / mean.memoryBytes;
  const left = cpu - wantedCpu + (memory - wantedMemory);
  const classCost = CLASS_WEIGHT * (classRank(offer.class) - classRank(need.class));
  if (need.policy === 'spread') return classCost - left;
  const lengths = Math.hypot(cpu, memory) * Math.hypot(wantedCpu, wantedMemory);
  const cosine = lengths > 0 ? (cpu * wantedCpu + memory * wantedMemory) / lengths : 0;
  return classCost + left - ALIGNMENT * cosine;
}
