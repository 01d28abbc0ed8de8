import type { ContainerDetails } from '../port.ts';
import type { HeldContainer } from './held-container.ts';
import type { Host } from './host.ts';

/** What `inspect` shows of a container that only its engine knows. */
export function detailsOf(host: Pick<Host, 'paths' | 'runtimes'>, { record, task }: HeldContainer): ContainerDetails {
  const { argv, entrypoint, command, env, labels, workingDir, user, hostname, stopSignal } = record.process;
  const [path, ...args] = argv;
  return {
    imageId: record.imageId,
    path,
    args,
    entrypoint,
    command,
    env,
    labels,
    workingDir,
    user,
    hostname,
    stopSignal,
    logPath: host.paths.container(record.id).log,
    runtime: task?.runtime ?? host.runtimes.chosen.name,
    ...(record.mounts === undefined ? {} : { mounts: record.mounts }),
  };
}
