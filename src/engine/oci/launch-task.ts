import { mkdir, rm, writeFile } from 'node:fs/promises';
import { joinCgroup, makeCgroup } from '../../linux/cgroup.ts';
import { mountOverlay } from '../../linux/overlay.ts';
import { SIGKILL, signalProcess } from '../../linux/process-identity.ts';
import { EngineError } from '../port.ts';
import { clearTask } from './clear-task.ts';
import { Conmon, type Watched } from './conmon.ts';
import { resolveUser } from './container-user.ts';
import { writeEtcFiles } from './etc-files.ts';
import { cgroupOf, type Host } from './host.ts';
import { rotateLog } from './log-files.ts';
import type { ContainerRecord } from './record.ts';
import { type Runtime, RuntimeFailure } from './runtime.ts';
import { runtimeMessage } from './runtime-message.ts';
import { taskSpec } from './task-spec.ts';

/** The v1 trees conmon leaves the daemon's groups in: by memory and pids it would be charged, by systemd's it would be stopped with the daemon. */
const CONMON_TREES = ['memory', 'pids', 'systemd'];

/**
 * From a container's directory to its running process. Takes back all of it where any step fails.
 * conmon comes first, as it needs a while before it asks for the rest. @throws EngineError
 */
export async function launchTask(host: Host, record: ContainerRecord, runtime: Runtime, netnsPath: string | undefined): Promise<Watched> {
  const { id, spec } = record;
  const container = host.paths.container(id);
  const bundle = host.paths.bundle(id);
  let watched: Watched | undefined;
  try {
    await rm(bundle.exit, { force: true });
    await Promise.all([
      mkdir(bundle.rootfs, { recursive: true }),
      mkdir(bundle.persist, { recursive: true }),
      mkdir(runtime.root, { recursive: true }),
    ]);
    await rotateLog(container.log, async () => undefined);
    const conmon = new Conmon(host.conmonPath, { id, runtime, bundle, exitDir: host.paths.exits, log: container.log, ...spec });
    try {
      mountOverlay(bundle.rootfs, { lowerDirs: record.layerDirs, upperDir: container.upper, workDir: container.work });
      const config = taskSpec(host, {
        spec,
        process: record.process,
        user: resolveUser(bundle.rootfs, record.process.user),
        rootfs: bundle.rootfs,
        etc: bundle.etc,
        netnsPath,
        cgroupsPath: cgroupOf(host, id),
      });
      await Promise.all([
        writeFile(bundle.config, JSON.stringify(config)),
        writeEtcFiles(bundle.etc, record.process.hostname, spec.networkMode === 'host'),
      ]);
      separate(host, conmon);
    } catch (error) {
      await conmon.abandon();
      throw error;
    }
    watched = await conmon.create();
    await runtime.start(id);
    return watched;
  } catch (error) {
    if (watched !== undefined) signalProcess(watched.conmon, SIGKILL);
    await clearTask(host, id, runtime, undefined);
    throw asEngineError(error, record.process.argv[0]);
  }
}

function separate(host: Host, conmon: Conmon): void {
  if (conmon.pid === undefined) return;
  for (const dir of makeCgroup(host.trees, `${host.cgroupParent}/conmon`, CONMON_TREES)) joinCgroup(dir, conmon.pid);
}

function asEngineError(error: unknown, program: string): Error {
  if (error instanceof EngineError) return error;
  if (error instanceof RuntimeFailure) return new EngineError('engine-failed', runtimeMessage(error.message, program));
  return new EngineError('engine-failed', `can't start the container: ${error instanceof Error ? error.message : String(error)}`);
}
