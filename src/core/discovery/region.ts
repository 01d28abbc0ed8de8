import { hash32 } from '../../lib/hash.ts';
import { MIB, regionKey } from '../model/index.ts';
import type { CpuClass, NodeId, Region, Resources } from '../model/index.ts';

const CPU_UNIT = 250;
const MEMORY_UNIT = 64 * MIB;
const LOWEST_CPU_BUCKET = -2;
const LOWEST_MEMORY_BUCKET = -4;
/** 2^20 · 250 m and 2^26 · 64 MiB: beyond any machine, so that the network can't make the tables grow. */
const HIGHEST_CPU_BUCKET = 20;
const HIGHEST_MEMORY_BUCKET = 26;

/** Where an offer of `free` belongs; undefined where there is nothing to offer. */
export function regionOf(cpuClass: CpuClass, free: Resources): Region | undefined {
  if (free.cpuMillicores <= 0 || free.memoryBytes <= 0) return undefined;
  return {
    class: cpuClass,
    cpuBucket: bucket(free.cpuMillicores / CPU_UNIT, LOWEST_CPU_BUCKET, HIGHEST_CPU_BUCKET),
    memoryBucket: bucket(free.memoryBytes / MEMORY_UNIT, LOWEST_MEMORY_BUCKET, HIGHEST_MEMORY_BUCKET),
  };
}

/** The lowest buckets in which `wanted` may fit. */
export function bucketsOf(wanted: Resources): { readonly cpu: number; readonly memory: number } {
  return {
    cpu: bucket(wanted.cpuMillicores / CPU_UNIT, LOWEST_CPU_BUCKET, HIGHEST_CPU_BUCKET),
    memory: bucket(wanted.memoryBytes / MEMORY_UNIT, LOWEST_MEMORY_BUCKET, HIGHEST_MEMORY_BUCKET),
  };
}

/** Whether a region from the network is one that an offer can be in. */
export function isRegion(region: Region): boolean {
  const { cpuBucket, memoryBucket } = region;
  return (
    Number.isInteger(cpuBucket) &&
    cpuBucket >= LOWEST_CPU_BUCKET &&
    cpuBucket <= HIGHEST_CPU_BUCKET &&
    Number.isInteger(memoryBucket) &&
    memoryBucket >= LOWEST_MEMORY_BUCKET &&
    memoryBucket <= HIGHEST_MEMORY_BUCKET
  );
}

/** A typical offer of a region: its geometric middle, at least what is wanted. */
export function middleOf(region: Region, wanted: Resources): Resources {
  return {
    cpuMillicores: Math.max(wanted.cpuMillicores, CPU_UNIT * 2 ** (region.cpuBucket + 0.5)),
    memoryBytes: Math.max(wanted.memoryBytes, MEMORY_UNIT * 2 ** (region.memoryBucket + 0.5)),
  };
}

/** Share of a region's box at or above what is wanted, offers spread evenly in log space; at least 0.0025. */
export function fitShare(region: Region, wanted: Resources): number {
  return share(wanted.cpuMillicores, CPU_UNIT * 2 ** region.cpuBucket) * share(wanted.memoryBytes, MEMORY_UNIT * 2 ** region.memoryBucket);
}

/** A split moves half of the offers, and a buyer with an older level still asks a shard that exists. */
export const shardOf = (supplier: NodeId, splitLevel: number): number => hash32(supplier) % 2 ** splitLevel;

/** The ring key of a shard of a region. */
export const directoryKey = (region: Region, shard: number): string => `${regionKey(region)}#${shard}`;

function bucket(units: number, lowest: number, highest: number): number {
  return Math.min(highest, Math.max(lowest, Math.floor(Math.log2(units))));
}

function share(wanted: number, low: number): number {
  return Math.min(1, Math.max(0.05, 1 - Math.log2(Math.max(1, wanted / low))));
}
