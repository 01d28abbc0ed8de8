import { attribute, decodeAttributes, nestedAttribute, nestedIn, type NetlinkRequest, NLM_F_CREATE, textAttribute } from '../netlink.ts';

/**
 * Elements of nftables' sets and maps as nfnetlink has them (linux/netfilter/nf_tables.h): a key is its fields one
 * after the other, each padded to four bytes, as is a map's value. For sets without intervals or timeouts.
 */
export type NftField = Buffer;

export interface NftElement {
  readonly key: readonly NftField[];
  /** [] in a set. */
  readonly data: readonly NftField[];
}

export interface NftSet {
  /** NFPROTO_*: `NFT_FAMILY`. */
  readonly family: number;
  readonly table: string;
  readonly set: string;
}

/** Number of a family in nftables' messages. */
export const NFT_FAMILY = { ip: 2, netdev: 5, bridge: 7 } as const;

const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_NEWSETELEM = 12;
const NFT_MSG_GETSETELEM = 13;
const NFT_MSG_DELSETELEM = 14;
const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_LIST_ELEM = 1;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_SET_ELEM_DATA = 2;
const NFTA_DATA_VALUE = 1;
const NFGEN_BYTES = 4;

export const nftType = (message: number): number => NFNL_SUBSYS_NFTABLES * 256 + message;

/** Adds elements; one that is there with the same value stays. EEXIST where a map has another value for the key. */
export const addElements = (set: NftSet, elements: readonly NftElement[]): NetlinkRequest =>
  change('add to', NFT_MSG_NEWSETELEM, NLM_F_CREATE, set, elements);

/** ENOENT where one isn't there. */
export const deleteElements = (set: NftSet, elements: readonly NftElement[]): NetlinkRequest =>
  change('delete from', NFT_MSG_DELSETELEM, 0, set, elements);

/** For `NetlinkSocket.dump`. ENOENT where there is no such set. */
export const listElements = (set: NftSet): NetlinkRequest => ({
  what: `list set ${set.table} ${set.set}`,
  type: nftType(NFT_MSG_GETSETELEM),
  flags: 0,
  body: Buffer.concat([
    nfgenmsg(set.family),
    textAttribute(NFTA_SET_ELEM_LIST_TABLE, set.table),
    textAttribute(NFTA_SET_ELEM_LIST_SET, set.set),
  ]),
});

/** What a message of such a list tells: keys and values as the kernel keeps them, padding included. */
export function decodeElements(body: Buffer): { key: Buffer; data: Buffer }[] {
  const list = decodeAttributes(body, NFGEN_BYTES).get(NFTA_SET_ELEM_LIST_ELEMENTS) ?? Buffer.alloc(0);
  return [...each(list)].map((bytes) => {
    const element = decodeAttributes(bytes);
    return { key: valueIn(element, NFTA_SET_ELEM_KEY), data: valueIn(element, NFTA_SET_ELEM_DATA) };
  });
}

/** The fields of a key or a value in one piece. */
export const joinFields = (fields: readonly NftField[]): Buffer =>
  Buffer.concat(fields.flatMap((field) => [field, Buffer.alloc(-field.length & 3)]));

/** struct nfgenmsg: family, version, resource id in network order. */
export function nfgenmsg(family: number, resource = 0): Buffer {
  return Buffer.from([family, 0, resource >> 8, resource & 0xff]);
}

function change(
  verb: string,
  message: number,
  flags: number,
  { family, table, set }: NftSet,
  elements: readonly NftElement[],
): NetlinkRequest {
  const list = elements.map(({ key, data }) =>
    nestedAttribute(NFTA_LIST_ELEM, [
      nestedAttribute(NFTA_SET_ELEM_KEY, [attribute(NFTA_DATA_VALUE, joinFields(key))]),
      ...(data.length === 0 ? [] : [nestedAttribute(NFTA_SET_ELEM_DATA, [attribute(NFTA_DATA_VALUE, joinFields(data))])]),
    ]),
  );
  const body = [
    nfgenmsg(family),
    textAttribute(NFTA_SET_ELEM_LIST_TABLE, table),
    textAttribute(NFTA_SET_ELEM_LIST_SET, set),
    nestedAttribute(NFTA_SET_ELEM_LIST_ELEMENTS, list),
  ];
  return { what: `${verb} set ${table} ${set}`, type: nftType(message), flags, body: Buffer.concat(body) };
}

const valueIn = (element: ReturnType<typeof decodeAttributes>, type: number): Buffer =>
  Buffer.from(nestedIn(element, type).get(NFTA_DATA_VALUE) ?? Buffer.alloc(0));

/** A list's attributes are all of one type, which a map would keep the last of. */
function* each(list: Buffer): Generator<Buffer> {
  for (let at = 0; at + 4 <= list.length; ) {
    const size = list.readUInt16LE(at);
    if (size < 4 || at + size > list.length) return;
    yield list.subarray(at + 4, at + size);
    at += (size + 3) & ~3;
  }
}
