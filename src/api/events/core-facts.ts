import type { ContainerId, Event } from '../../core/model/index.ts';
import type { HealthChange } from '../../engine/port.ts';
import type { Backend } from '../backend.ts';
import { specOf } from '../containers/facts.ts';
import type { Fact } from './fact.ts';

/** Docker's words for a past fact of this node's core, in order; none where Docker has none. */
export function factsOfEvent(backend: Backend, event: Event): readonly Fact[] {
  switch (event.kind) {
    // Not when it is recorded: what can't be made ready was never there.
    case 'container-ready':
      return [ofContainer(event.containerId, 'create')];
    case 'container-renamed':
      return [ofContainer(event.containerId, 'rename', { name: event.to, oldName: `/${event.from}` })];
    case 'task-started':
      return [...joined(backend, event.containerId), ...mounted(backend, event.containerId), ofContainer(event.containerId, 'start')];
    case 'task-exited': {
      const { containerId, exitCode, oomKilled } = event;
      const oom = oomKilled ? [ofContainer(containerId, 'oom')] : [];
      const die = ofContainer(containerId, 'die', { exitCode: String(exitCode) });
      return [...oom, die, ...left(backend, containerId), ...unmounted(backend, containerId)];
    }
    case 'task-paused':
      return [ofContainer(event.containerId, 'pause')];
    case 'task-unpaused':
      return [ofContainer(event.containerId, 'unpause')];
    case 'container-updated':
      return [ofContainer(event.containerId, 'update')];
    case 'container-removed':
      return [ofContainer(event.containerId, 'destroy', { name: event.name })];
    default:
      return [];
  }
}

/** Docker has no word for the first state of a check. */
export const factsOfHealth = ({ containerId, status }: HealthChange): readonly Fact[] =>
  status === 'starting' ? [] : [ofContainer(containerId, `health_status: ${status}`)];

const ofContainer = (id: ContainerId, action: string, attributes: Readonly<Record<string, string>> = {}): Fact => ({
  type: 'container',
  action,
  id,
  attributes,
});

const joined = (backend: Backend, id: ContainerId): Fact[] => onNetworks(backend, id, 'connect');
const left = (backend: Backend, id: ContainerId): Fact[] => onNetworks(backend, id, 'disconnect');

function onNetworks({ networks }: Backend, id: ContainerId, action: string): Fact[] {
  return networks.endpointsOf(id).map(({ network, networkName }) => ({
    type: 'network',
    action,
    id: network,
    attributes: { container: id, name: networkName, type: 'bridge' },
  }));
}

function mounted(backend: Backend, id: ContainerId): Fact[] {
  return volumesOf(backend, id).map(({ name, target, readOnly }) => ({
    type: 'volume',
    action: 'mount',
    id: name,
    attributes: { container: id, destination: target, driver: 'local', propagation: '', 'read/write': String(!readOnly) },
  }));
}

const unmounted = (backend: Backend, id: ContainerId): Fact[] =>
  volumesOf(backend, id).map(({ name }) => ({
    type: 'volume',
    action: 'unmount',
    id: name,
    attributes: { container: id, driver: 'local' },
  }));

function volumesOf(backend: Backend, id: ContainerId) {
  const container = backend.container(id);
  return container === undefined ? [] : (specOf(container).mounts ?? []).filter((mount) => mount.kind === 'volume');
}
