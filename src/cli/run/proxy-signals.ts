import type { Client } from '../../docker-api/client.ts';
import type { Io } from '../io.ts';
import { containerPath } from '../paths.ts';

const PROXIED: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];
/** Who presses Ctrl-C so often wants out, whatever the container does. */
const ENOUGH_INTERRUPTS = 3;

/** Passes the signals we get on to the container, as `docker run` does. Returns the way to stop. */
export function proxySignals(client: Client, io: Io, id: string): () => void {
  let interrupts = 0;
  return io.onSignals(PROXIED, (signal) => {
    if (signal === 'SIGINT' || signal === 'SIGTERM') interrupts++;
    if (interrupts >= ENOUGH_INTERRUPTS) {
      io.stderr.write(`caravela: got ${ENOUGH_INTERRUPTS} signals to end: leaving the container to itself\n`);
      process.exit(signal === 'SIGINT' ? 130 : 143);
    }
    // It may have ended, or not have begun: then the signal has nobody to go to.
    client.json('POST', containerPath(id, '/kill'), { query: { signal } }).catch(() => {});
  });
}
