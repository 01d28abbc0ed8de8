import { readFile } from 'node:fs/promises';
import { identify, isAlive, type ProcessIdentity } from '../../linux/process-identity.ts';
import { clearTask } from './clear-task.ts';
import { readExitFile, wasOomKilled } from './exit-file.ts';
import type { Host } from './host.ts';
import type { ContainerRecord, ExitedTask, RunningTask, TaskRecord } from './record.ts';
import type { Stray } from './strays.ts';

/** A task that nobody saw end, because the machine did: Docker's code for it. */
const LOST_EXIT_CODE = 255;
const KILLED_EXIT_CODE = 137;

/**
 * What became of a task while we were down. What runs, watched, is kept; anything else is ended,
 * cleared and given its exit. @param conmons this engine's that are alive
 */
export async function recoverTask(
  host: Host,
  record: ContainerRecord,
  task: TaskRecord,
  conmons: readonly Stray[],
): Promise<RunningTask | ExitedTask> {
  if (task.phase === 'exited') return task;
  const runtime = host.runtimes.named(task.runtime);
  const ended = (exitCode: number, finishedAtMs: number, oomKilled: boolean): ExitedTask => ({
    phase: 'exited',
    taskId: task.taskId,
    runtime: task.runtime,
    exitCode,
    oomKilled,
    finishedAtMs,
  });
  if (task.bootId !== host.bootId) {
    await clearTask(host, record.id, runtime, undefined);
    return ended(LOST_EXIT_CODE, Date.now(), false);
  }
  const conmon = conmons.find(({ argv }) => argv.includes(record.id))?.process;
  const exit = await readExitFile(host, record.id);
  if (exit === undefined && conmon !== undefined) {
    const running = task.phase === 'running' ? task : await adopt(host, record, task, conmon);
    if (running !== undefined && isAlive(running.conmon)) return running;
  }
  const oomKilled = wasOomKilled(host, record.id);
  // Asked again: a conmon found dead may have written it in between.
  const late = exit ?? (await readExitFile(host, record.id));
  await clearTask(host, record.id, runtime, conmon);
  return ended(late?.exitCode ?? KILLED_EXIT_CODE, late?.finishedAtMs ?? Date.now(), oomKilled);
}

/** A start that had come as far as a running process, only not to saying so. */
async function adopt(
  host: Host,
  record: ContainerRecord,
  task: Extract<TaskRecord, { phase: 'starting' }>,
  conmon: ProcessIdentity,
): Promise<RunningTask | undefined> {
  const bundle = host.paths.bundle(record.id);
  const init = identify(Number(await readFile(bundle.pid, 'latin1').catch(() => '0')));
  if (init === undefined || (await host.runtimes.named(task.runtime).status(record.id)) !== 'running') return undefined;
  return { ...task, phase: 'running', init, conmon, startedAtMs: Date.now() };
}
