import type { Container, NameKey, NameRow } from '../../model/index.ts';
import { LIMITS } from '../../model/index.ts';
import { imageRepository } from '../../model/affinity.ts';
import { utf8Length } from '../../../lib/utf8.ts';

/** Containers whose ids agree in so many digits share a key: 4,096 keys, and a prefix as short as people type. */
export const PREFIX_DIGITS = 3;

export type EndpointKey = Extract<NameKey, { readonly kind: 'endpoint' }>;

/** What one endpoint is found by. */
export interface EndpointLine {
  readonly key: EndpointKey;
  /** Its address, dotted. */
  readonly value: string;
}

/** The key's place on the ring. */
export function ringKey(key: NameKey): string {
  return `${key.kind}/${key.kind === 'id' ? key.prefix.slice(0, PREFIX_DIGITS) : textOf(key)}`;
}

/** What distinguishes it from others of its kind; images are one by any of the names people give them, and by any tag. */
export function textOf(key: NameKey): string {
  switch (key.kind) {
    case 'name':
      return key.name;
    case 'id':
      return key.prefix;
    case 'label':
      return key.key;
    case 'image':
      return imageRepository(key.reference);
    case 'endpoint':
      return `${key.network}/${key.name}`;
    default:
      return key satisfies never;
  }
}

/** All that a container is found by. What is longer than the bounds can't be asked for and is left out. */
export function rowsOf({ request, name, createdAtMs }: Container, endpoints: readonly EndpointLine[]): readonly NameRow[] {
  const { containerId, labels, image } = request;
  const wholeMs = Math.max(0, Math.round(createdAtMs));
  const row = (key: NameKey, value = ''): NameRow => ({ key, containerId, name, value, createdAtMs: wholeMs });
  const rows = [row({ kind: 'name', name }), row({ kind: 'id', prefix: containerId.slice(0, PREFIX_DIGITS) })];
  if (image !== '' && utf8Length(image) <= LIMITS.nameKeyBytes) rows.push(row({ kind: 'image', reference: image }, image));
  for (const [key, value] of Object.entries(labels)) {
    if (utf8Length(key) <= LIMITS.nameKeyBytes && utf8Length(value) <= LIMITS.nameValueBytes) rows.push(row({ kind: 'label', key }, value));
  }
  for (const { key, value } of endpoints) rows.push(row(key, value));
  return rows;
}

/** Whether the row can be a container's: a sender that is mistaken about its own keys would be found by nobody. */
export function isSound({ key, containerId, name }: NameRow): boolean {
  if (key.kind === 'id') return key.prefix.length === PREFIX_DIGITS && containerId.startsWith(key.prefix);
  return key.kind !== 'name' || key.name === name;
}
