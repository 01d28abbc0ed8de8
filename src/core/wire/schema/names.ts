import { LIMITS, NAME_KEY_KINDS } from '../../model/index.ts';
import type { NameEntry, NameGone, NameHolder, NameKey, NameMessage, NameRow, NetworkId } from '../../model/index.ts';
import { WireError } from '../error.ts';
import { record } from '../record.ts';
import type { Type } from '../type.ts';
import { bool, list, oneOf, optional, uint, utf8 } from '../type.ts';
import { containerId, containerName, epoch, incarnation, nodeId, requestId } from './nouns.ts';
import type { Kinds } from './kinds.ts';

type KeyKind = (typeof NAME_KEY_KINDS)[number];

/** On the wire every kind of key is the kind and a text. */
const plainKey = record<{ readonly kind: KeyKind; readonly text: string }>({
  kind: [1, oneOf(NAME_KEY_KINDS)],
  text: [2, utf8(LIMITS.nameKeyBytes)],
});
const key: Type<NameKey> = {
  framing: plainKey.framing,
  write: (out, value) => plainKey.write(out, { kind: value.kind, text: textOf(value) }),
  read: (input) => {
    const { kind, text } = plainKey.read(input);
    return KEYS[kind](text);
  },
};

const KEYS: { readonly [K in KeyKind]: (text: string) => NameKey } = {
  name: (text) => ({ kind: 'name', name: text }),
  id: (text) => ({ kind: 'id', prefix: text }),
  label: (text) => ({ kind: 'label', key: text }),
  image: (text) => ({ kind: 'image', reference: text }),
  endpoint: (text) => {
    const [, network, name] = ENDPOINT.exec(text) ?? [];
    if (network === undefined || name === undefined)
      throw new WireError('out-of-range', `needs a network id, / and a name, got ${JSON.stringify(text)}`);
    return { kind: 'endpoint', network: network as NetworkId, name };
  },
};

const ENDPOINT = /^([0-9a-f]{64})\/(.*)$/su;

function textOf(value: NameKey): string {
  switch (value.kind) {
    case 'name':
      return value.name;
    case 'id':
      return value.prefix;
    case 'label':
      return value.key;
    case 'image':
      return value.reference;
    case 'endpoint':
      return `${value.network}/${value.name}`;
    default:
      return value satisfies never;
  }
}

const value = utf8(LIMITS.nameValueBytes);
const row = record<NameRow>({
  key: [1, key],
  containerId: [2, containerId],
  name: [3, containerName],
  value: [4, value],
  createdAtMs: [5, uint()],
});
const gone = record<NameGone>({ key: [1, key], containerId: [2, containerId] });
const entry = record<NameEntry>({ containerId: [1, containerId], name: [2, containerName], node: [3, nodeId], value: [4, value] });
const holder = record<NameHolder>({ containerId: [1, containerId], node: [2, nodeId] });

/** The name directory: from 40. */
export const nameKinds: Kinds<NameMessage> = {
  register: [
    40,
    record({
      epoch: [1, epoch],
      rows: [2, list(row, LIMITS.namesPerMessage)],
      gone: [3, list(gone, LIMITS.namesPerMessage)],
      ownerIncarnation: [4, optional(incarnation)],
    }),
  ],
  registered: [41, record({ epoch: [1, epoch] })],
  'name-claim': [
    42,
    // 4 was the doubted container without its node.
    record({ requestId: [1, requestId], containerId: [2, containerId], name: [3, containerName], doubted: [5, optional(holder)] }),
  ],
  'name-claimed': [43, record({ requestId: [1, requestId], holder: [2, optional(holder)] })],
  'name-release': [44, record({ containerId: [1, containerId], name: [2, containerName] })],
  'name-conflict': [
    45,
    record({ containerId: [1, containerId], name: [2, containerName], keeper: [3, holder], keeperCreatedAtMs: [4, uint()] }),
  ],
  'look-up': [46, record({ question: [1, uint()], key: [2, key], own: [3, bool] })],
  found: [47, record({ question: [1, uint()], entries: [2, list(entry, LIMITS.namesPerKey)], complete: [3, bool] })],
};
