export type LogStream = 'stdout' | 'stderr';
/** One piece of output as the container wrote it, newline included where it wrote one. */
export interface LogEntry {
  readonly stream: LogStream;
  /** RFC 3339 with nanoseconds. */
  readonly timestamp: string;
  readonly data: Buffer;
}
/** What a container wrote, as it came. With a terminal there is only stdout. */
export type OutputPiece = Pick<LogEntry, 'stream' | 'data'>;

/** In characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}
