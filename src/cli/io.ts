import type { Readable, Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { processTerminal, type Terminal } from './terminal/terminal.ts';

/** The terminal and the process around a command; tests hand in their own. */
export interface Io {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly stdinIsTty: boolean;
  readonly stdoutIsTty: boolean;
  readonly stderrIsTty: boolean;
  /** Of use where stdin or stdout is one. */
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls back with each signal the process gets instead of dying of it. Returns the way to stop. */
  onSignals(signals: readonly NodeJS.Signals[], listener: (signal: NodeJS.Signals) => void): () => void;
}

/** The one of this process. Its streams are opened when first used: that costs more than the rest of a short command. */
export function processIo(): Io {
  return {
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return process.stdout;
    },
    get stderr() {
      return process.stderr;
    },
    stdinIsTty: isatty(0),
    stdoutIsTty: isatty(1),
    stderrIsTty: isatty(2),
    terminal: processTerminal(),
    env: process.env,
    onSignals(signals, listener) {
      for (const signal of signals) process.on(signal, listener);
      return () => {
        for (const signal of signals) process.off(signal, listener);
      };
    },
  };
}

/** Writes and waits for the reader where it is slower than we are. */
export async function write(stream: Writable, data: string | Uint8Array): Promise<void> {
  if (stream.write(data)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}
