import { type Container, shortId } from '../core/model/index.ts';
import type { Engine } from '../engine/port.ts';
import type { Log } from './log.ts';

/** systemd kills a service that takes longer than 90 s to stop. */
const LONGEST_MS = 60_000;

/**
 * Ends what runs when the host goes down, each by its own signal and patience, while disks and network
 * are still there: left to itself, what ignores SIGTERM (as a shell or `sleep` as first process does)
 * would hold up the host's shutdown for 90 s. To the core they ended while the daemon was down, so at
 * boot their restart policies decide.
 */
export async function stopContainers(engine: Pick<Engine, 'stop'>, containers: readonly Container[], log: Log): Promise<void> {
  const running = containers.filter(({ task }) => task !== undefined && task.state !== 'exited');
  const stops = running.map(async ({ request: { containerId, stopSignal, stopTimeoutMs } }) => {
    try {
      await engine.stop(containerId, stopSignal, Math.min(stopTimeoutMs, LONGEST_MS));
    } catch (error) {
      log('warn', 'a container could not be stopped', { container: shortId(containerId), error: String(error) });
    }
  });
  await Promise.all(stops);
}
