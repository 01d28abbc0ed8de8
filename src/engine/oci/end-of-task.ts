import { type ContainerId, shortId } from '../../core/model/index.ts';
import { isAlive, SIGKILL, signalProcess } from '../../linux/process-identity.ts';
import { clearTask } from './clear-task.ts';
import { readExitFile, wasOomKilled } from './exit-file.ts';
import type { Host } from './host.ts';
import type { ExitedTask, RunningTask } from './record.ts';

const KILLED_EXIT_CODE = 137;

/**
 * How a task ended; undefined while it hasn't. Where conmon is gone without a word nobody reads the container's
 * output and nobody would see it end: it is ended here.
 */
export async function endOfTask(host: Host, id: ContainerId, running: RunningTask): Promise<ExitedTask | undefined> {
  // Asked in this order: a conmon that is dead now has written its file before.
  const watched = isAlive(running.conmon);
  const exit = await readExitFile(host, id);
  if (exit === undefined && watched) return undefined;
  const oomKilled = wasOomKilled(host, id);
  if (exit === undefined) {
    host.log('warn', `conmon of container ${shortId(id)} is gone: the container is ended`);
    signalProcess(running.init, SIGKILL);
    await clearTask(host, id, host.runtimes.named(running.runtime), undefined);
  }
  return {
    phase: 'exited',
    taskId: running.taskId,
    runtime: running.runtime,
    exitCode: exit?.exitCode ?? KILLED_EXIT_CODE,
    oomKilled,
    finishedAtMs: exit?.finishedAtMs ?? Date.now(),
  };
}
