import { type ContainerId, shortId } from '../../../core/model/index.ts';
import { type ContainerSpec, EngineError } from '../../port.ts';
import type { ContainerLookup } from '../containers.ts';
import type { HeldContainer } from '../held-container.ts';
import type { Host } from '../host.ts';
import { containerOfMode, type JoinedNamespaces } from '../runtime-spec-namespaces.ts';

/** Where the namespaces are that a container is to share with others that run here. @throws EngineError in Docker's words */
export function joinedNamespaces(
  host: Pick<Host, 'paths'>,
  id: ContainerId,
  { extras = {} }: Pick<ContainerSpec, 'extras'>,
  others: ContainerLookup,
): JoinedNamespaces {
  const pid = containerOfMode(extras.pidMode);
  const ipc = containerOfMode(extras.ipcMode);
  const donor = ipc === undefined ? undefined : ipcDonor(others, ipc);
  return {
    ...(pid === undefined ? {} : { pid: namespaceOf('pid', others.held(pid as ContainerId)) }),
    ...(donor === undefined ? {} : { ipc: namespaceOf('ipc', donor), sharedMemory: host.paths.bundle(donor.record.id).sharedMemory }),
    ...(extras.ipcMode === 'shareable' ? { sharedMemory: host.paths.bundle(id).sharedMemory } : {}),
  };
}

function ipcDonor(others: ContainerLookup, id: string): HeldContainer {
  const donor = others.held(id as ContainerId);
  if (donor.record.spec.extras?.ipcMode === 'shareable') return donor;
  throw new EngineError(
    'engine-failed',
    `can't join IPC of container ${shortId(donor.record.id)}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
  );
}

function namespaceOf(kind: 'pid' | 'ipc', { record, running }: HeldContainer): string {
  if (running === undefined) {
    throw new EngineError('engine-failed', `cannot join ${kind.toUpperCase()} of a non running container: ${shortId(record.id)}`);
  }
  return `/proc/${running.init.pid}/ns/${kind}`;
}
