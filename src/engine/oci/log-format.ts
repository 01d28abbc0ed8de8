import { fractionMs } from '../../lib/fraction-ms.ts';
import type { LogStream } from '../port.ts';

/**
 * conmon's k8s-file log: a line `2026-11-21T19:39:55.601307046+00:00 stdout F text` for each line the
 * container wrote, tag P where the text goes on in the stream's next line or ended without a newline.
 */
export interface LogLine {
  readonly timestamp: string;
  readonly stream: LogStream;
  readonly partial: boolean;
  /** Without the newline. Shares memory with what was parsed. */
  readonly text: Buffer;
}

const SPACE = 0x20;
/** Offset of the stream's name: the longest timestamp has 35 characters. */
const HEAD_BYTES = 64;

/** `line` is without its newline. undefined for what isn't a log line: a cut or foreign one. */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.subarray(0, HEAD_BYTES).indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  if (first <= 0 || second < 0 || second > HEAD_BYTES) return undefined;
  const stream = line.toString('latin1', first + 1, second);
  const tag = line.toString('latin1', second + 1, second + 3);
  if ((stream !== 'stdout' && stream !== 'stderr') || (tag !== 'F ' && tag !== 'P ')) return undefined;
  const timestamp = line.toString('latin1', 0, first).replace(/\+00:00$/, 'Z');
  return { timestamp, stream, partial: tag === 'P ', text: line.subarray(second + 3) };
}

/** Whether the line at hand ends a line of the container's, for counting lines from the end. */
export function endsLine(line: Buffer): boolean {
  return parseLogLine(line)?.partial === false;
}

/** Wall-clock ms, to the microsecond; NaN for what isn't a time. */
export function timestampMs(timestamp: string): number {
  const digits = /\.(\d+)/.exec(timestamp)?.[1] ?? '';
  return Date.parse(timestamp.replace(/\.\d+/, '')) + fractionMs(digits);
}
