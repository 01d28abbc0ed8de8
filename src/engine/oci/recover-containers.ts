import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ContainerId, shortId } from '../../core/model/index.ts';
import { isFrozen } from '../../linux/freezer.ts';
import type { Exit, Recovered } from '../port.ts';
import type { Containers } from './containers.ts';
import { writeExitFile } from './exit-file.ts';
import { HeldContainer } from './held-container.ts';
import { cgroupOf, type Host } from './host.ts';
import { removeLeftovers } from './leftovers.ts';
import { volumeNames } from './mounts/volume-names.ts';
import { type ContainerRecord, type ExitedTask, readRecord, type TaskRecord, writeRecord } from './record.ts';
import { recoverTask } from './recover-task.ts';
import type { RootfsProvider } from './rootfs-provider.ts';
import { endStrays, findStrays } from './strays.ts';

/**
 * Fills `containers` with what the disk and the kernel have, ends what is half-made, removes what is not `known`, and
 * everything that belongs to none.
 */
export async function recoverContainers(
  host: Host,
  images: Pick<RootfsProvider, 'retain'>,
  containers: Containers,
  known: (id: ContainerId) => boolean,
): Promise<readonly Recovered[]> {
  await endStrays(findStrays(host.paths).filter(({ kind }) => kind === 'runtime'));
  const conmons = findStrays(host.paths).filter(({ kind }) => kind === 'conmon');
  const found: Recovered[] = [];
  const untold: [ContainerId, number][] = [];
  for (const name of await readdir(host.paths.containers)) {
    const record = await readRecord<ContainerRecord>(join(host.paths.containers, name, 'container.json'));
    if (record === undefined || record.id !== name || !known(record.id)) continue;
    const before = await readRecord<TaskRecord>(host.paths.container(record.id).task);
    const task = before && (await recoverTask(host, record, before, conmons));
    const isKept = task === undefined || task === before || (await keepTask(host, record.id, task));
    if (!isKept && task.phase === 'exited') untold.push([record.id, task.exitCode]);
    containers.add(new HeldContainer(record, task));
    images.retain(record.spec.image.digest, record.id);
    host.volumes.retain(record.id, volumeNames(record.mounts));
    found.push(recovered(host, record.id, task));
  }
  const running = new Set(containers.running().map(({ record }) => record.id));
  await endStrays(conmons.filter(({ argv }) => ![...running].some((id) => argv.includes(id))));
  await removeLeftovers(host, running);
  for (const name of await readdir(host.paths.containers)) {
    if (containers.find(name as ContainerId) === undefined) await rm(join(host.paths.containers, name), { recursive: true, force: true });
  }
  for (const [id, exitCode] of untold) await writeExitFile(host, id, exitCode);
  return found;
}

/** Writes down what is true already: a full disk must keep no container from ending, nor us from starting. Returns whether it could. */
export async function keepTask(host: Host, id: ContainerId, task: TaskRecord): Promise<boolean> {
  try {
    await writeRecord(host.paths.container(id).task, task, false);
    return true;
  } catch (error) {
    host.log('warn', `what became of container ${shortId(id)} can't be written down: ${String(error)}`);
    return false;
  }
}

export function toExit(id: ContainerId, { taskId, exitCode, oomKilled, finishedAtMs }: ExitedTask): Exit {
  return { containerId: id, taskId, exitCode, oomKilled, finishedAtMs };
}

function recovered(host: Host, id: ContainerId, task: TaskRecord | undefined): Recovered {
  if (task?.phase === 'running') {
    const paused = isFrozen(host.trees, cgroupOf(host, id));
    return { containerId: id, state: 'running', taskId: task.taskId, pid: task.init.pid, startedAtMs: task.startedAtMs, paused };
  }
  return task?.phase === 'exited' ? { containerId: id, state: 'exited', exit: toExit(id, task) } : { containerId: id, state: 'created' };
}
