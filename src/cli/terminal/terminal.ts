import { execFileSync } from 'node:child_process';
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

/**
 * Node's raw mode still puts a carriage return before each line feed, which moves the cursor where a program on the
 * other side only meant "down". Node puts all of the terminal back as it was before, this too.
 */
function leaveOutputAlone(): void {
  try {
    execFileSync('stty', ['-opost'], { stdio: [0, 'ignore', 'ignore'] });
  } catch {
    // No stty: full-screen programs may look odd.
  }
}

/** The one of this process's standard input and output. */
export function processTerminal(): Terminal {
  return {
    setRaw(on) {
      if (!(process.stdin instanceof ReadStream)) return;
      process.stdin.setRawMode(on);
      if (on) leaveOutputAlone();
    },
    size: () => (process.stdout instanceof WriteStream ? { rows: process.stdout.rows, columns: process.stdout.columns } : undefined),
    onResize(listener) {
      process.stdout.on('resize', listener);
      return () => process.stdout.off('resize', listener);
    },
  };
}
