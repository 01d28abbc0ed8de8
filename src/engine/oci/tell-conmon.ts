import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { hasCode } from '../../linux/system-error.ts';
import type { TerminalSize } from '../port.ts';

/** Makes conmon open its log anew. @throws ENXIO where no conmon listens */
export const reopenLog = (control: string): Promise<void> => tell(control, '2 0 0');

/** Gives a terminal another size; its foreground process hears of it by SIGWINCH. Returns whether there was a conmon to hear it: it ends with what it watches. */
export async function resizeTerminal(control: string, { rows, columns }: TerminalSize): Promise<boolean> {
  try {
    await tell(control, `1 ${rows} ${columns}`);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENXIO', 'EPIPE', 'ENOENT')) return false;
    throw error;
  }
}

/** By the fifo in the bundle. */
async function tell(control: string, line: string): Promise<void> {
  // Without O_NONBLOCK this would wait for a conmon that may be dead.
  const fifo = await open(control, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    await fifo.write(`${line}\n`);
  } finally {
    await fifo.close();
  }
}
