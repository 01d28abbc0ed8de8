import { type Cidr, lastOf } from '../../../lib/ipv4.ts';

/** Addresses that lie side by side, both ends included. */
export interface Range<T> {
  readonly first: number;
  readonly last: number;
  readonly value: T;
}

/**
 * What the longest prefix says of each address, as routing takes it, in ranges that don't overlap, ascending. Blocks
 * without a value are holes. Of a block that is there twice the last counts. Pure.
 */
export function rangesOf<T>(blocks: readonly { readonly block: Cidr; readonly value: T | undefined }[]): readonly Range<T>[] {
  const ranges: Range<T>[] = [];
  /** Blocks around the cursor, each within the one before. */
  const around: { readonly last: number; readonly value: T | undefined }[] = [];
  let cursor = 0;
  const upTo = (last: number, value: T | undefined): void => {
    if (value !== undefined && cursor <= last) ranges.push({ first: cursor, last, value });
    cursor = Math.max(cursor, last + 1);
  };
  const leaveUntil = (address: number): void => {
    for (let inner = around.at(-1); inner !== undefined && inner.last < address; inner = around.at(-1)) {
      upTo(inner.last, inner.value);
      around.pop();
    }
  };
  for (const { block, value } of blocks.toSorted((a, b) => a.block.base - b.block.base || a.block.prefix - b.block.prefix)) {
    leaveUntil(block.base);
    const outer = around.at(-1);
    if (outer !== undefined) upTo(block.base - 1, outer.value);
    cursor = block.base;
    around.push({ last: lastOf(block), value });
  }
  leaveUntil(Number.POSITIVE_INFINITY);
  return ranges;
}
