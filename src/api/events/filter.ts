import { type EventMessage, NODE_LABEL } from '../../docker-api/types.ts';
import { labelMatches } from '../http/label-matches.ts';
import type { Filters } from '../http/query.ts';
import { repositoryOf } from '../images/reference.ts';

export const EVENT_FILTERS = [
  'type',
  'event',
  'container',
  'image',
  'volume',
  'network',
  'daemon',
  'plugin',
  'scope',
  'label',
  'node',
] as const;

/** What follows these in an action is of the one event; who asks for them without it means all. */
const WITH_DETAIL = ['exec_create', 'exec_start', 'health_status'];

/** Docker's rule: any value of a key, all keys; what concerns names takes beginnings of names and ids. */
export function eventIsMeant(message: EventMessage, filters: Filters): boolean {
  const { ID, Attributes } = message.Actor;
  const some = (key: string, holds: (value: string) => boolean): boolean => filters.get(key)?.some(holds) ?? true;
  const begins = (key: string, holders: readonly (string | undefined)[]): boolean =>
    some(key, (word) => holders.some((text) => text?.startsWith(word.replace(/^\//, '')) === true));
  return (
    some('type', (type) => type === message.Type) &&
    some('event', (action) => action === message.Action || (WITH_DETAIL.includes(action) && message.Action.startsWith(`${action}:`))) &&
    some('scope', (scope) => scope === message.scope) &&
    begins('container', idsOf(message, 'container')) &&
    begins('volume', idsOf(message, 'volume')) &&
    begins('network', idsOf(message, 'network')) &&
    begins('daemon', idsOf(message, 'daemon')) &&
    begins('plugin', []) &&
    some('image', (image) => [ID, Attributes['name'], Attributes['image']].some((text) => text !== undefined && isImage(image, text))) &&
    some('node', (node) => Attributes[NODE_LABEL] === node) &&
    (filters.get('label') ?? []).every((wanted) => labelMatches(wanted, Attributes))
  );
}

/** What names the thing that an event of this kind is about. */
const idsOf = ({ Type, Actor: { ID, Attributes } }: EventMessage, kind: EventMessage['Type']): readonly (string | undefined)[] =>
  Type === kind ? [ID, Attributes['name']] : [];

const isImage = (wanted: string, text: string): boolean => text === wanted || repositoryOf(text) === wanted;
