import type { Container, ContainerId, Event } from '../../core/model/index.ts';
import { type EventMessage, NODE_LABEL } from '../../docker-api/types.ts';
import type { Backend } from '../backend.ts';
import { imageName, specOf } from '../containers/facts.ts';
import { labelMatches } from '../containers/list.ts';
import type { Filters } from '../http/query.ts';

export const EVENT_FILTERS = ['type', 'event', 'container', 'image', 'label', 'node'] as const;

/** Docker's message of a past fact of this node; undefined where Docker has no word for it. */
export function eventMessage(backend: Backend, event: Event): EventMessage | undefined {
  switch (event.kind) {
    case 'container-created':
      return messageOf(backend, 'create', event.containerId, { name: event.name });
    case 'container-renamed':
      return messageOf(backend, 'rename', event.containerId, { name: event.to, oldName: `/${event.from}` });
    case 'task-started':
      return messageOf(backend, 'start', event.containerId, {});
    case 'task-exited':
      return messageOf(backend, 'die', event.containerId, { exitCode: String(event.exitCode) });
    case 'container-removed':
      return messageOf(backend, 'destroy', event.containerId, { name: event.name });
    default:
      return undefined;
  }
}

/** Docker's rule: any value of a key, all keys. */
export function eventIsMeant(message: EventMessage, filters: Filters): boolean {
  const { ID, Attributes } = message.Actor;
  const some = (key: string, holds: (value: string) => boolean): boolean => filters.get(key)?.some(holds) ?? true;
  return (
    some('type', (type) => type === message.Type) &&
    some('event', (action) => action === message.Action) &&
    some('container', (word) => ID.startsWith(word) || Attributes['name'] === word.replace(/^\//, '')) &&
    some('image', (image) => Attributes['image'] === image) &&
    some('node', (node) => Attributes[NODE_LABEL] === node) &&
    (filters.get('label') ?? []).every((wanted) => labelMatches(wanted, Attributes))
  );
}

function messageOf(backend: Backend, action: string, id: ContainerId, attributes: Record<string, string>): EventMessage {
  const container = backend.container(id);
  const node = backend.self();
  const nowMs = backend.wallMs();
  const image = container === undefined ? '' : imageName(specOf(container));
  return {
    Type: 'container',
    Action: action,
    Actor: { ID: id, Attributes: { ...attributesOf(container, image), [NODE_LABEL]: node.name, ...attributes } },
    scope: 'local',
    time: Math.floor(nowMs / 1000),
    timeNano: nowMs * 1_000_000,
    status: action,
    id,
    from: image,
    node: { Id: node.id, Name: node.name, Ip: node.address.ip, Addr: `${node.address.ip}:${node.address.controlPort}` },
  };
}

function attributesOf(container: Container | undefined, image: string): Record<string, string> {
  return container === undefined ? {} : { ...specOf(container).labels, image, name: container.name };
}
