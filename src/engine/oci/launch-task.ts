import { mkdir, rm, writeFile } from 'node:fs/promises';
import { mountOverlay } from '../../linux/overlay.ts';
import { SIGKILL, signalProcess } from '../../linux/process-identity.ts';
import { EngineError, type TaskPlace } from '../port.ts';
import { clearTask } from './clear-task.ts';
import { Conmon, type Watched } from './conmon.ts';
import { resolveUser } from './container-user.ts';
import type { ContainerLookup } from './containers.ts';
import { writeEtcFiles } from './etc-files.ts';
import { cgroupOf, type Host } from './host.ts';
import { joinedNamespaces } from './mounts/joined-namespaces.ts';
import { prepareMounts } from './mounts/prepare-mounts.ts';
import { mountSharedMemory } from './mounts/shared-memory.ts';
import { logBounds, rotateLog } from './log-files.ts';
import { keepNullDevice } from './null-device.ts';
import type { ContainerRecord } from './record.ts';
import { type Runtime, RuntimeFailure } from './runtime.ts';
import { runtimeMessage } from './runtime-message.ts';
import { separate } from './separate.ts';
import { Stopwatch } from './stopwatch.ts';
import { taskSpec } from './task-spec.ts';

/**
 * From a container's directory to its running process. Takes back all of it where any step fails.
 * conmon comes first, as it needs a while before it asks for the rest.
 * @param others whose namespaces it may be to share. @param created called when conmon is there and nothing of the container has run yet. @throws EngineError
 */
export async function launchTask(
  host: Host,
  record: ContainerRecord,
  runtime: Runtime,
  place: TaskPlace,
  created: () => void,
  others: ContainerLookup,
): Promise<Watched> {
  const { id, spec } = record;
  const container = host.paths.container(id);
  const bundle = host.paths.bundle(id);
  const stages = new Stopwatch();
  let watched: Watched | undefined;
  try {
    await rm(bundle.exit, { force: true });
    await Promise.all([
      mkdir(bundle.rootfs, { recursive: true }),
      mkdir(bundle.persist, { recursive: true }),
      mkdir(runtime.root, { recursive: true }),
    ]);
    await rotateLog(container.log, logBounds(spec.extras?.log), async () => undefined);
    await prepareMounts(record.mounts ?? [], host.volumes);
    if (spec.extras?.ipcMode === 'shareable') mountSharedMemory(bundle, spec.extras.shmBytes);
    const joined = joinedNamespaces(host, id, spec, others);
    const log = { path: container.log, wish: spec.extras?.log };
    const conmon = new Conmon(host.conmonPath, { id, runtime, bundle, exitDir: host.paths.exits, log, ...spec });
    stages.lap('prepareMs');
    try {
      mountOverlay(bundle.rootfs, { lowerDirs: record.layerDirs, upperDir: container.upper, workDir: container.work });
      stages.lap('overlayMs');
      const config = taskSpec(host, {
        spec,
        process: record.process,
        user: resolveUser(bundle.rootfs, record.process.user, spec.extras?.groupAdd),
        rootfs: bundle.rootfs,
        etc: bundle.etc,
        netnsPath: place.netnsPath,
        cgroupsPath: cgroupOf(host, id),
        mounts: record.mounts ?? [],
        joined,
      });
      await Promise.all([
        writeFile(bundle.config, JSON.stringify(config)),
        writeEtcFiles(bundle.etc, record.process.hostname, spec, place),
        separate(host, conmon.pid),
      ]);
      stages.lap('configMs');
    } catch (error) {
      await conmon.abandon();
      throw error;
    }
    watched = await conmon.create();
    stages.lap('createMs');
    created();
    await runtime.start(id);
    keepNullDevice(runtime, host.log);
    stages.lap('startMs');
    host.log('debug', 'task launched', { container: id, ...stages.laps });
    return watched;
  } catch (error) {
    if (watched !== undefined) signalProcess(watched.conmon, SIGKILL);
    await clearTask(host, id, runtime, undefined);
    throw asEngineError(error, record.process.argv[0]);
  }
}

function asEngineError(error: unknown, program: string): Error {
  if (error instanceof EngineError) return error;
  if (error instanceof RuntimeFailure) return new EngineError('engine-failed', runtimeMessage(error.message, program));
  return new EngineError('engine-failed', `can't start the container: ${error instanceof Error ? error.message : String(error)}`);
}
