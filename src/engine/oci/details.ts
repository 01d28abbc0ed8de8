import { join } from 'node:path';
import type { ContainerDetails, ContainerPlaces } from '../port.ts';
import type { HeldContainer } from './held-container.ts';
import type { Host } from './host.ts';
import { protectedPaths } from './protected-paths.ts';

/** What `inspect` shows of a container that only its engine knows. */
export function detailsOf(host: Pick<Host, 'paths' | 'runtimes'>, held: HeldContainer): ContainerDetails {
  const { record, task } = held;
  const { argv, entrypoint, command, env, configuredEnv, labels, workingDir, user, hostname, stopSignal } = record.process;
  const [path, ...args] = argv;
  return {
    imageId: record.imageId,
    path,
    args,
    entrypoint,
    command,
    env: configuredEnv ?? env,
    labels,
    workingDir,
    user,
    hostname,
    stopSignal,
    logPath: record.spec.extras?.log?.driver === 'none' ? '' : host.paths.container(record.id).log,
    runtime: task?.runtime ?? host.runtimes.chosen.name,
    ...(record.mounts === undefined ? {} : { mounts: record.mounts }),
    ...protectedPaths(record.spec.extras ?? {}),
    places: placesOf(host, held),
  };
}

function placesOf({ paths }: Pick<Host, 'paths'>, { record: { id, layerDirs, spec }, running }: HeldContainer): ContainerPlaces {
  const { upper, work } = paths.container(id);
  const { rootfs, etc } = paths.bundle(id);
  const places = { lowerDirs: layerDirs, upperDir: upper, workDir: work, mergedDir: rootfs };
  if (running === undefined) return places;
  return {
    ...places,
    running: {
      hosts: join(etc, 'hosts'),
      hostname: join(etc, 'hostname'),
      resolvConf: join(etc, 'resolv.conf'),
      netns: spec.networkMode === 'host' ? '' : `/proc/${running.init.pid}/ns/net`,
    },
  };
}
