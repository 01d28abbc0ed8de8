import { chmodSync, chownSync, lstatSync } from 'node:fs';
import type { EngineLog } from './engine-log.ts';
import type { Runtime } from './runtime.ts';

const NULL = '/dev/null';
const MODE = 0o666;
/** By then a process that has been started is itself, and no more the runtime. */
const LATER_MS = 1_000;

/**
 * crun (1.8.1) gives a container's user whatever the process has for standard streams. Without an input that is the
 * host's /dev/null, whose owner might then close it to everybody: it is given back, now and once the start is over.
 */
export function keepNullDevice(runtime: Pick<Runtime, 'name'>, log: EngineLog): void {
  if (runtime.name !== 'crun') return;
  restore(log);
  setTimeout(() => restore(log), LATER_MS).unref();
}

function restore(log: EngineLog): void {
  try {
    const { uid, gid, mode } = lstatSync(NULL);
    if (uid === 0 && gid === 0 && (mode & 0o777) === MODE) return;
    chownSync(NULL, 0, 0);
    chmodSync(NULL, MODE);
    log('debug', `${NULL} belonged to ${uid}:${gid} since a container started, and is root's again`);
  } catch (error) {
    log('warn', `${NULL} can't be given back to root: ${String(error)}`);
  }
}
