import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Makes conmon open its log anew, by the fifo in its bundle. @throws ENXIO where no conmon listens */
export async function reopenLog(control: string): Promise<void> {
  // Without O_NONBLOCK this would wait for a conmon that may be dead.
  const fifo = await open(control, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    await fifo.write('2 0 0\n');
  } finally {
    await fifo.close();
  }
}
