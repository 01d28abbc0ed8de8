import type { NodeId } from './ids.ts';
import type { Arch, CpuClass, Epoch } from './member.ts';
import type { Resources } from './resources.ts';

/** A cell of the resource space of what is free (DESIGN §6, Keys). Buckets are ⌊log2⌋ and may be negative. */
export interface Region {
  readonly class: CpuClass;
  /** ⌊log2(cpu / 250 m)⌋, at least −2. */
  readonly cpuBucket: number;
  /** ⌊log2(memory / 64 MiB)⌋, at least −4. */
  readonly memoryBucket: number;
}

/** A supplier's expiring statement of what is free. */
export interface Offer {
  readonly supplier: NodeId;
  readonly class: CpuClass;
  readonly arch: Arch;
  readonly free: Resources;
  readonly labels: Readonly<Record<string, string>>;
  readonly name: string;
  readonly draining: boolean;
  readonly epoch: Epoch;
  /** Time to live from receipt, in ms. */
  readonly ttlMs: number;
}

/** Which regions hold how many offers: one row of the gossiped hint table. */
export interface Hint {
  readonly region: Region;
  /** 0: none; n: about 2^(n−1) offers. */
  readonly countLevel: number;
  /** Split level L: the region has 2^L shards. */
  readonly splitLevel: number;
  /** Newer rows replace older: wall-clock seconds at the shard-0 trader that wrote it. */
  readonly stamp: number;
}

export const regionKey = (r: Region): string => `${r.class}/${r.cpuBucket}/${r.memoryBucket}`;
