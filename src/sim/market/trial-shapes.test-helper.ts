import { MIB } from '../../core/model/index.ts';
import type { Prng } from '../../lib/prng.ts';
import type { Ask, NodeShape } from '../workloads/contender.ts';

/** Small edge machines, some larger. */
export function shapes(count: number, random: Prng): readonly NodeShape[] {
  return Array.from({ length: count }, () => {
    const octave = random.chance(0.7) ? 0 : 1 + random.int(3);
    return {
      class: random.chance(0.3) ? 'high' : 'low',
      capacity: { cpuMillicores: 4_000 * 2 ** octave, memoryBytes: 4_096 * 2 ** octave * MIB },
    };
  });
}

export function ask(id: number, origin: number, random: Prng): Ask {
  const octave = random.int(4);
  return {
    id,
    origin,
    resources: { cpuMillicores: 250 * 2 ** octave, memoryBytes: 128 * 2 ** (octave + random.int(2)) * MIB },
    class: random.chance(0.1) ? 'high' : 'low',
    profile: octave,
  };
}
