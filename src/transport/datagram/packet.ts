/**
 * Layout of a sealed datagram: a header in clear that says who sealed it with what, then the
 * ciphertext and its tag. The whole header is authenticated (it is the AEAD's additional data).
 *
 *   offset  bytes
 *        0  1   format version
 *        1  1   id of the instance's gossip key
 *        2  8   first half of the instance id: packets of another instance are dropped unread
 *       10  16  sender's node id
 *       26  8   boot id: random, drawn anew each time a sender starts
 *       34  6   counter, from 1 within a boot, big-endian
 *       40  n   ciphertext
 *     40+n  16  tag
 */
import { LIMITS } from '../../core/model/index.ts';
import type { InstanceId, NodeId } from '../../core/model/index.ts';

export const PACKET_VERSION = 1;
export const HEADER_BYTES = 40;
export const TAG_BYTES = 16;
export const BOOT_BYTES = 8;
/** The longest message that fits a datagram. */
export const PAYLOAD_BYTES = LIMITS.datagramBytes - HEADER_BYTES - TAG_BYTES;

const INSTANCE_BYTES = 8;
const SENDER_AT = 2 + INSTANCE_BYTES;
const BOOT_AT = SENDER_AT + 16;
const COUNTER_AT = BOOT_AT + BOOT_BYTES;

export interface Header {
  readonly version: number;
  readonly keyId: number;
  readonly instancePrefix: Buffer;
  readonly sender: NodeId;
  /** Hex. */
  readonly boot: string;
  readonly counter: number;
}

export const instancePrefix = (id: InstanceId): Buffer => Buffer.from(id.slice(0, 2 * INSTANCE_BYTES), 'hex');

export function writeHeader(header: Header): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes[0] = header.version;
  bytes[1] = header.keyId;
  header.instancePrefix.copy(bytes, 2);
  bytes.write(header.sender, SENDER_AT, 'hex');
  bytes.write(header.boot, BOOT_AT, 'hex');
  bytes.writeUIntBE(header.counter, COUNTER_AT, 6);
  return bytes;
}

/** The header's fields, whatever they say; `packet` must be at least HEADER_BYTES long. */
export function readHeader(packet: Buffer): Header {
  return {
    version: packet[0]!,
    keyId: packet[1]!,
    instancePrefix: packet.subarray(2, SENDER_AT),
    sender: packet.toString('hex', SENDER_AT, BOOT_AT) as NodeId,
    boot: packet.toString('hex', BOOT_AT, COUNTER_AT),
    counter: packet.readUIntBE(COUNTER_AT, 6),
  };
}
