import type { FileHandle } from 'node:fs/promises';
import { endsLine } from './log-format.ts';
import type { OpenLog } from './log-files.ts';

const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;
const HEAD_BYTES = 128;

export interface LogPosition {
  /** Index into the logs given. */
  readonly log: number;
  readonly offset: number;
}

/**
 * Where the last `count` lines of the container's begin, reading backwards in blocks: the cost is that
 * of what is shown, not of the log. Pieces of one line count once.
 */
export async function findTail(logs: readonly OpenLog[], count: number): Promise<LogPosition> {
  let missing = count;
  let newest = true;
  for (let index = logs.length - 1; index >= 0; index--) {
    const file = logs[index]?.file;
    if (file === undefined) continue;
    for await (const line of linesBackwards(file)) {
      // The newest line counts even when it has not ended; each other start is known by its predecessor's end.
      const ends = endsLine(line.head);
      if (newest || ends) {
        if (missing === 0) return { log: index, offset: line.end };
        missing -= 1;
        newest = false;
      }
    }
  }
  return { log: 0, offset: 0 };
}

/** Each line's beginning (enough to parse its tag) and the offset after its newline, the last line first. */
async function* linesBackwards(file: FileHandle): AsyncGenerator<{ head: Buffer; end: number }> {
  const { size } = await file.stat();
  let end = size;
  let position = size;
  // Bytes of the line that ends at `end`, as far as read; only their first HEAD_BYTES matter.
  let rest: Buffer = Buffer.alloc(0);
  while (position > 0) {
    const start = Math.max(0, position - BLOCK_BYTES);
    const block = Buffer.alloc(position - start);
    const { bytesRead } = await file.read(block, 0, block.length, start);
    if (bytesRead < block.length) return;
    let until = block.length;
    for (let at = block.lastIndexOf(NEWLINE, until - 1); at >= 0; at = at === 0 ? -1 : block.lastIndexOf(NEWLINE, at - 1)) {
      const next = start + at + 1;
      if (next < end) yield { head: head(block.subarray(at + 1, until), rest), end };
      end = next;
      until = at + 1;
      rest = Buffer.alloc(0);
    }
    rest = head(block.subarray(0, until), rest);
    position = start;
  }
  if (end > 0) yield { head: rest, end };
}

function head(front: Buffer, rest: Buffer): Buffer {
  const line =
    front.length >= HEAD_BYTES ? front.subarray(0, HEAD_BYTES) : Buffer.concat([front, rest.subarray(0, HEAD_BYTES - front.length)]);
  return line.at(-1) === NEWLINE ? line.subarray(0, -1) : line;
}
