import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../docker-api/client.ts';

const POLL_MS = 40;

/** Whether a daemon answers on this socket. */
export async function answers(socket: string): Promise<boolean> {
  try {
    const response = await new Client({ kind: 'unix', path: socket }).stream('GET', '/_ping');
    response.resume();
    return true;
  } catch {
    return false;
  }
}

/** Waits until `condition` holds; false where time is up or `abandoned` says there is no use in waiting. */
export async function waitFor(
  condition: () => Promise<boolean>,
  timeoutMs: number,
  abandoned: () => boolean = () => false,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (abandoned() || performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}
