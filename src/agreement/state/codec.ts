import { type AgreedNetwork, type AgreedNode, type Lease, LIMITS, type NetworkId } from '../../core/model/index.ts';
import { assertNever } from '../../lib/assert.ts';
import { type Cidr, formatCidr, formatIpv4 } from '../../lib/ipv4.ts';
import type { AgreedGossipKey, AgreedGossipKeys, AgreedToken, AgreedVolume, Fact } from './fact.ts';
import { cidrOf, type Fields, flagOf, integerOf, ipv4Of, momentOf, networkIdOf, nodeIdOf, nodeIdsOf, textOf, textsOf } from './fields.ts';
import { KEYS, PREFIX } from './keys.ts';

/** Raised when a value of this layout gets another shape; readers skip what is newer than they are. */
const VALUE_VERSION = 1;
/** Of one value: a network's labels are the longest part of it. */
export const VALUE_LENGTH = 64 * 1024;
const TEXTS = 256;
const TEXTS_LENGTH = 32 * 1024;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
/** Docker's; one character alone is none. */
export const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const VNIS = 2 ** 24;
/** Learners and those about to go included. */
const MEMBERS = 16;
const GOSSIP_KEYS = 4;
/** 32 bytes. */
const GOSSIP_KEY = /^[A-Za-z0-9+/]{43}=$/;

export type Decoded = { readonly ok: true; readonly fact: Fact } | { readonly ok: false; readonly why: string };

/** @throws RangeError for a value that is too long to be agreed */
export function encodeFact(fact: Fact): { readonly key: string; readonly value: string } {
  const { key, fields } = write(fact);
  const value = JSON.stringify({ v: VALUE_VERSION, ...fields });
  if (value.length > VALUE_LENGTH) {
    throw new RangeError(
      `${value.length} characters are too many to be agreed in one piece, ${VALUE_LENGTH} is the most: use fewer labels`,
    );
  }
  return { key, value };
}

/** Whatever is written there by others: what makes no sense is told, and never thrown. */
export function decodeFact(key: string, value: string): Decoded {
  try {
    if (value.length > VALUE_LENGTH) throw new Error(`it has more than ${VALUE_LENGTH} characters`);
    const fields: unknown = JSON.parse(value);
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new Error('it is no object');
    const { v } = fields as Fields;
    if (v !== VALUE_VERSION) throw new Error(`it is of version ${JSON.stringify(v)}, this node reads ${VALUE_VERSION}: upgrade this node`);
    return { ok: true, fact: read(key, fields as Fields) };
  } catch (error) {
    return { ok: false, why: (error as Error).message };
  }
}

function write(fact: Fact): { readonly key: string; readonly fields: Fields } {
  switch (fact.kind) {
    case 'next-number':
      return { key: KEYS.nextNumber, fields: { next: fact.next } };
    case 'node': {
      const { id, name, number, state, sinceMs } = fact.node;
      return { key: state === 'in' ? KEYS.nodeIn(id) : KEYS.nodeGone(id), fields: { name, number, state, sinceMs } };
    }
    case 'node-name':
      return { key: KEYS.nodeName(fact.name), fields: { node: fact.node } };
    case 'token': {
      const { id, ...fields } = fact.token;
      return { key: KEYS.token(id), fields };
    }
    case 'ca-holder':
      return { key: KEYS.caHolder(fact.node), fields: {} };
    case 'members':
      return { key: KEYS.members, fields: { members: fact.members } };
    case 'networks-guard':
      return { key: KEYS.networksGuard, fields: {} };
    case 'network':
      return { key: KEYS.network(fact.network.id), fields: networkFields(fact.network) };
    case 'network-name':
      return { key: KEYS.networkName(fact.name), fields: { network: fact.network } };
    case 'network-vni':
      return { key: KEYS.networkVni(fact.vni), fields: { network: fact.network } };
    case 'leases-guard':
      return { key: KEYS.leasesGuard(fact.network), fields: {} };
    case 'lease':
      return { key: KEYS.lease(fact.lease.network, fact.lease.block), fields: { node: fact.lease.node } };
    case 'volume':
      return { key: KEYS.volume(fact.volume.name), fields: { node: fact.volume.node, createdAtMs: fact.volume.createdAtMs } };
    case 'gossip-keys':
      return { key: KEYS.gossipKeys, fields: { use: fact.keys.use, keys: fact.keys.keys } };
    case 'gossip-keys-due':
      return { key: KEYS.gossipKeysDue, fields: {} };
    default:
      return assertNever(fact);
  }
}

type Read = (fields: Fields, name: string, block: string) => Fact;

/** By the form of the key; what is in brackets is handed to the reader. */
const READERS: readonly (readonly [form: RegExp, read: Read])[] = [
  [/^nodes\/next-number$/, (fields) => ({ kind: 'next-number', next: integerOf(fields['next'], 'next', 1, 2 ** 31) })],
  [/^nodes\/in\/([^/]+)$/, (fields, id) => ({ kind: 'node', node: nodeOf(id, fields, ['in']) })],
  [/^nodes\/gone\/([^/]+)$/, (fields, id) => ({ kind: 'node', node: nodeOf(id, fields, ['left', 'removed']) })],
  [
    /^nodes\/name\/([^/]+)$/,
    (fields, name) => ({ kind: 'node-name', name: textOf(name, 'name', LIMITS.nameBytes, NAME), node: nodeIdOf(fields['node'], 'node') }),
  ],
  [/^tokens\/([^/]+)$/, (fields, id) => ({ kind: 'token', token: tokenOf(textOf(id, 'id', 12, /^[0-9a-f]{12}$/), fields) })],
  [/^ca-holders\/([^/]+)$/, (_fields, id) => ({ kind: 'ca-holder', node: nodeIdOf(id, 'node') })],
  [/^agreement\/members$/, (fields) => ({ kind: 'members', members: nodeIdsOf(fields['members'], 'members', MEMBERS) })],
  [/^networks\/guard$/, () => ({ kind: 'networks-guard' })],
  [/^networks\/id\/([^/]+)$/, (fields, id) => ({ kind: 'network', network: networkOf(networkIdOf(id, 'network'), fields) })],
  [
    /^networks\/name\/([^/]+)$/,
    (fields, name) => ({
      kind: 'network-name',
      name: textOf(name, 'name', LIMITS.longNameBytes, NAME),
      network: networkIdOf(fields['network'], 'network'),
    }),
  ],
  [
    /^networks\/vni\/([1-9]\d{0,7})$/,
    (fields, vni) => ({ kind: 'network-vni', vni: vniOf(Number(vni)), network: networkIdOf(fields['network'], 'network') }),
  ],
  [/^leases\/([^/]+)\/guard$/, (_fields, id) => ({ kind: 'leases-guard', network: networkIdOf(id, 'network') })],
  [/^leases\/([^/]+)\/([0-9a-f]{8}-(?:0|[1-9]\d?))$/, (fields, id, block) => ({ kind: 'lease', lease: leaseOf(id, block, fields) })],
  [/^volumes\/([^/]+)$/, (fields, name) => ({ kind: 'volume', volume: volumeOf(name, fields) })],
  [/^gossip-keys\/ring$/, (fields) => ({ kind: 'gossip-keys', keys: gossipKeysOf(fields) })],
  [/^gossip-keys\/due$/, () => ({ kind: 'gossip-keys-due' })],
];

function read(key: string, fields: Fields): Fact {
  if (key.startsWith(PREFIX)) {
    const path = key.slice(PREFIX.length);
    for (const [form, reader] of READERS) {
      const match = form.exec(path);
      if (match !== null) return reader(fields, match[1] ?? '', match[2] ?? '');
    }
  }
  throw new Error('it is no key of this layout');
}

function nodeOf(id: string, fields: Fields, states: readonly AgreedNode['state'][]): AgreedNode {
  const state = states.find((each) => each === fields['state']);
  if (state === undefined) throw new Error(`state must be ${states.join(' or ')}`);
  return {
    id: nodeIdOf(id, 'node'),
    name: textOf(fields['name'], 'name', LIMITS.nameBytes, NAME),
    number: integerOf(fields['number'], 'number', 1, 2 ** 31),
    state,
    sinceMs: momentOf(fields['sinceMs'], 'sinceMs'),
  };
}

function tokenOf(id: string, fields: Fields): AgreedToken {
  return {
    id,
    secretHash: textOf(fields['secretHash'], 'secretHash', 64, /^[0-9a-f]{64}$/),
    createdAtMs: momentOf(fields['createdAtMs'], 'createdAtMs'),
    expiresAtMs: momentOf(fields['expiresAtMs'], 'expiresAtMs'),
    singleUse: flagOf(fields['singleUse'], 'singleUse'),
    usedBy: fields['usedBy'] === undefined ? undefined : nodeIdOf(fields['usedBy'], 'usedBy'),
  };
}

function leaseOf(network: string, name: string, fields: Fields): Lease {
  const [base = '', prefix = ''] = name.split('-');
  const block: Cidr = { base: Number.parseInt(base, 16), prefix: integerOf(Number(prefix), 'prefix', 0, 32) };
  // Bits beyond the prefix must be clear, as in any block.
  cidrOf(formatCidr(block), 'block');
  return { network: networkIdOf(network, 'network'), block, node: nodeIdOf(fields['node'], 'node') };
}

function volumeOf(name: string, fields: Fields): AgreedVolume {
  return {
    name: textOf(name, 'name', LIMITS.volumeName, VOLUME_NAME),
    node: nodeIdOf(fields['node'], 'node'),
    createdAtMs: momentOf(fields['createdAtMs'], 'createdAtMs'),
  };
}

function gossipKeysOf({ use, keys }: Fields): AgreedGossipKeys {
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > GOSSIP_KEYS)
    throw new Error(`keys must be 1 to ${GOSSIP_KEYS} gossip keys`);
  const checked = keys.map((each: unknown): AgreedGossipKey => {
    const { id, key } = (each ?? {}) as Fields;
    return { id: integerOf(id, 'id', 0, 255), key: textOf(key, 'key', 44, GOSSIP_KEY) };
  });
  if (new Set(checked.map(({ id }) => id)).size < checked.length) throw new Error('an id of a gossip key appears twice');
  if (!checked.some(({ id }) => id === use)) throw new Error('the gossip key to use is not among them');
  return { use: integerOf(use, 'use', 0, 255), keys: checked };
}

function networkFields(network: AgreedNetwork): Fields {
  const { id: _id, subnet, gateway, mtu, ...fields } = network;
  return { ...fields, subnet: formatCidr(subnet), gateway: formatIpv4(gateway), ...(mtu !== undefined && { mtu }) };
}

function networkOf(id: NetworkId, fields: Fields): AgreedNetwork {
  return {
    id,
    name: textOf(fields['name'], 'name', LIMITS.longNameBytes, NAME),
    subnet: cidrOf(fields['subnet'], 'subnet'),
    gateway: ipv4Of(fields['gateway'], 'gateway'),
    vni: vniOf(fields['vni']),
    internal: flagOf(fields['internal'], 'internal'),
    mtu: fields['mtu'] === undefined ? undefined : integerOf(fields['mtu'], 'mtu', 68, 65_535),
    labels: textsOf(fields['labels'], 'labels', TEXTS, TEXTS_LENGTH),
    options: textsOf(fields['options'], 'options', TEXTS, TEXTS_LENGTH),
    createdAtMs: momentOf(fields['createdAtMs'], 'createdAtMs'),
  };
}

const vniOf = (value: unknown): number => integerOf(value, 'vni', 1, VNIS - 1);
