import { ReadStream, WriteStream } from 'node:tty';

/** In characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** The terminal that a command was started from. */
export interface Terminal {
  /** Raw: each key comes at once and as it is, Ctrl-C too, and none is echoed. */
  setRaw(on: boolean): void;
  /** undefined where the output goes elsewhere. */
  size(): TerminalSize | undefined;
  /** Returns the way to stop. */
  onResize(listener: () => void): () => void;
}

/** The one of this process's standard input and output. */
export function processTerminal(): Terminal {
  return {
    setRaw(on) {
      if (process.stdin instanceof ReadStream) process.stdin.setRawMode(on);
    },
    size: () => (process.stdout instanceof WriteStream ? { rows: process.stdout.rows, columns: process.stdout.columns } : undefined),
    onResize(listener) {
      process.stdout.on('resize', listener);
      return () => process.stdout.off('resize', listener);
    },
  };
}
