import { constants } from 'node:os';
import type { Io } from '../io.ts';

const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/**
 * Makes the terminal raw until the returned function is called, or the process ends: a shell must never get one back
 * that shows nothing of what is typed.
 */
export function enterRawMode(io: Io): () => void {
  const { terminal } = io;
  const restore = (): void => terminal.setRaw(false);
  terminal.setRaw(true);
  process.on('exit', restore);
  const stopListening = io.onSignals(ENDING, (signal) => process.exit(128 + constants.signals[signal]));
  return () => {
    stopListening();
    process.off('exit', restore);
    restore();
  };
}
