import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';

/**
 * node:child_process' spawn, minus its way to end the whole process: a child that can't be started says so by an `error`
 * on the next tick, which nobody may hear yet, and without a free descriptor it has no streams to begin with.
 * @throws Error EMFILE where it has none; all other failures are `error` events as ever
 */
export function spawnChild(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(program, args, options);
  child.on('error', () => undefined);
  if ((child.stdio as unknown) !== undefined) return child;
  throw Object.assign(new Error(`can't run ${program}: this process has no file descriptor left (EMFILE)`), { code: 'EMFILE' });
}
