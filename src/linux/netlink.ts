/**
 * Netlink's messages (RFC 3549, netlink(7)): a header, a fixed part per kind, and attributes, each
 * aligned to four bytes, in the byte order of the host. Decoders take what the kernel says as it comes:
 * what is cut short or says nonsense about its size ends the walk, and nothing is read beyond it.
 */
export interface NetlinkRequest {
  /** For errors: `add route 10.0.0.0/24`. */
  readonly what: string;
  readonly type: number;
  /** On top of NLM_F_REQUEST and those for acknowledgements. */
  readonly flags: number;
  readonly body: Buffer;
}

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Netlink port of the socket that asked for what this tells; 0: the kernel itself. */
  readonly port: number;
  readonly body: Buffer;
}

/** By type without its flags; where one comes twice the last holds, as in the kernel. */
export type Attributes = ReadonlyMap<number, Buffer>;

export const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

const HEADER_BYTES = 16;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;
const EMPTY = Buffer.alloc(0);

export function encodeMessage(request: NetlinkRequest, extraFlags: number, sequence: number): Buffer {
  const { body } = request;
  const bytes = Buffer.alloc(HEADER_BYTES + align(body.length));
  bytes.writeUInt32LE(HEADER_BYTES + body.length, 0);
  bytes.writeUInt16LE(request.type, 4);
  bytes.writeUInt16LE(request.flags | extraFlags | NLM_F_REQUEST, 6);
  bytes.writeUInt32LE(sequence, 8);
  body.copy(bytes, HEADER_BYTES);
  return bytes;
}

/** The messages in one datagram. Bodies are views of it: decode before the buffer is used again. */
export function* decodeMessages(datagram: Buffer): Generator<NetlinkMessage> {
  for (let offset = 0; offset + HEADER_BYTES <= datagram.length; ) {
    const size = datagram.readUInt32LE(offset);
    if (size < HEADER_BYTES || offset + size > datagram.length) return;
    yield {
      type: datagram.readUInt16LE(offset + 4),
      flags: datagram.readUInt16LE(offset + 6),
      sequence: datagram.readUInt32LE(offset + 8),
      port: datagram.readUInt32LE(offset + 12),
      body: datagram.subarray(offset + HEADER_BYTES, offset + size),
    };
    offset += align(size);
  }
}

/** One attribute (struct nlattr). */
export function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(align(4 + value.length));
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

/** NUL-terminated. */
export const textAttribute = (type: number, value: string): Buffer => attribute(type, Buffer.from(`${value}\0`));
export const nestedAttribute = (type: number, inner: readonly Buffer[]): Buffer => attribute(type | NLA_F_NESTED, Buffer.concat(inner));
export const byteAttribute = (type: number, value: number): Buffer => attribute(type, Buffer.from([value]));

export function numberAttribute(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return attribute(type, bytes);
}

/** 16 bits in network order, as ports are. */
export function portAttribute(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return attribute(type, bytes);
}

/** An IPv4 address, in network order. */
export function ipv4Attribute(type: number, address: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(address);
  return attribute(type, bytes);
}

/** @param mac `aa:bb:cc:dd:ee:ff` */
export const macAttribute = (type: number, mac: string): Buffer => attribute(type, Buffer.from(mac.replaceAll(':', ''), 'hex'));

/** The attributes from `offset` on. @param wanted the only types that matter, where an object has many more */
export function decodeAttributes(bytes: Buffer, offset = 0, wanted?: ReadonlySet<number>): Attributes {
  const attributes = new Map<number, Buffer>();
  for (let at = offset; at + 4 <= bytes.length; ) {
    const size = bytes.readUInt16LE(at);
    if (size < 4 || at + size > bytes.length) break;
    const type = bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK;
    if (wanted?.has(type) !== false) attributes.set(type, bytes.subarray(at + 4, at + size));
    at += align(size);
  }
  return attributes;
}

// What an attribute holds; the second case of each is for one that is absent or too short.
export const nestedIn = (from: Attributes, type: number, wanted?: ReadonlySet<number>): Attributes =>
  decodeAttributes(from.get(type) ?? EMPTY, 0, wanted);
export const byteIn = (from: Attributes, type: number): number => from.get(type)?.[0] ?? 0;
export const textIn = (from: Attributes, type: number): string => (from.get(type) ?? EMPTY).toString('utf8').split('\0')[0] ?? '';

export function numberIn(from: Attributes, type: number): number | undefined {
  const value = from.get(type);
  return value === undefined || value.length < 4 ? undefined : value.readUInt32LE(0);
}

export function portIn(from: Attributes, type: number): number {
  const value = from.get(type);
  return value === undefined || value.length < 2 ? 0 : value.readUInt16BE(0);
}

/** undefined, too, for an address of another family. */
export function ipv4In(from: Attributes, type: number): number | undefined {
  const value = from.get(type);
  return value?.length === 4 ? value.readUInt32BE(0) : undefined;
}

export function macIn(from: Attributes, type: number): string {
  const value = from.get(type);
  return value?.length === 6 ? [...value].map((byte) => byte.toString(16).padStart(2, '0')).join(':') : '';
}

const align = (size: number): number => (size + 3) & ~3;
