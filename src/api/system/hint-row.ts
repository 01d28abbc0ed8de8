import { type Hint, MIB } from '../../core/model/index.ts';
import type { HintRow } from '../../docker-api/caravela-types.ts';

const CPU_UNIT = 250;
const MEMORY_UNIT = 64 * MIB;

/** A hint as this node has it now, with what its levels stand for. */
export function hintRow({ region, countLevel, splitLevel, stamp }: Hint, wallMs: number): HintRow {
  const { class: cpuClass, cpuBucket, memoryBucket } = region;
  return {
    region: { ...region },
    words: `class ${cpuClass}, ${cpus(cpuBucket)} to ${cpus(cpuBucket + 1)} CPUs and ${memory(memoryBucket)} to ${memory(memoryBucket + 1)} free`,
    offers: countLevel === 0 ? 0 : 2 ** (countLevel - 1),
    shards: 2 ** splitLevel,
    countLevel,
    splitLevel,
    stamp,
    ageMs: Math.max(0, wallMs - stamp * 1_000),
  };
}

/** The lower edge of a bucket (Region's doc says how they are cut). */
const cpus = (bucket: number): string => String(Number(((CPU_UNIT * 2 ** bucket) / 1_000).toFixed(3)));

function memory(bucket: number): string {
  const mib = (MEMORY_UNIT * 2 ** bucket) / MIB;
  return mib >= 1_024 ? `${mib / 1_024} GiB` : `${mib} MiB`;
}
