import { writeSync } from 'node:fs';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type Log = (level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>) => void;

/** Structured log: one JSON object a line, `time` in RFC 3339, facts as fields beside the message. */
export function createLog(lowest: LogLevel, write: (line: string) => void, wallMs: () => number): Log {
  const from = LOG_LEVELS.indexOf(lowest);
  return (level, message, facts = {}) => {
    if (LOG_LEVELS.indexOf(level) < from) return;
    write(`${JSON.stringify({ time: new Date(wallMs()).toISOString(), level, message, ...facts })}\n`);
  };
}

/**
 * Writes log lines to a file descriptor. A line that cannot be written (a full disk, a reader that went
 * away) is dropped: the stream that Node keeps for standard error would end the process instead.
 */
export function linesTo(fd: number): (line: string) => void {
  return (line) => {
    try {
      writeSync(fd, line);
    } catch {
      // There is nobody left to tell.
    }
  };
}
