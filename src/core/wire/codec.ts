import { assert } from '../../lib/assert.ts';
import { LIMITS } from '../model/index.ts';
import type { Message, MessageKind } from '../model/index.ts';
import { WireError } from './error.ts';
import { Reader } from './reader.ts';
import type { Kinds } from './schema/kinds.ts';
import { membershipKinds } from './schema/membership.ts';
import { nameKinds } from './schema/names.ts';
import { placementKinds } from './schema/placement.ts';
import type { Type } from './type.ts';
import { Writer } from './writer.ts';

/**
 * A message is: wire version (1 byte), kind (1 byte), then the kind's record as tagged fields in
 * protobuf's manner (varint, eight bytes, length-delimited), so that fields of a later release are
 * stepped over. Deviations: a list is one field whose entries follow each other; ids are raw bytes;
 * a field given twice, a missing required one and bytes after the end are errors.
 * Cost: a ping without gossip is 22 to 29 bytes, a state rumour 24, a member's record about 110.
 */
export const WIRE_VERSION = 1;

/** @throws WireError where the message is beyond LIMITS: a programmer's or a user's doing, never a peer's */
export function encode(message: Message): Uint8Array {
  const [number, type] = ofKind(message.kind);
  const out = new Writer(LIMITS.streamMessageBytes);
  out.byte(WIRE_VERSION);
  out.byte(number);
  try {
    type.write(out, message);
  } catch (error) {
    throw error instanceof WireError ? error.within(message.kind) : error;
  }
  if (out.length > LIMITS.streamMessageBytes) throw tooLong(out.length);
  return out.finish();
}

/** @throws WireError on anything but a whole message of a known kind within its bounds */
export function decode(bytes: Uint8Array): Message {
  if (bytes.length > LIMITS.streamMessageBytes) throw tooLong(bytes.length);
  const input = new Reader(bytes);
  const version = input.byte();
  if (version !== WIRE_VERSION) throw new WireError('version', `speaks wire version ${version}, this node ${WIRE_VERSION}`);
  const number = input.byte();
  const found = BY_NUMBER.get(number);
  if (found === undefined) throw new WireError('kind', `no message kind has the number ${number}`);
  try {
    return { kind: found.kind, ...found.type.read(input) } as Message;
  } catch (error) {
    throw error instanceof WireError ? error.within(found.kind) : error;
  }
}

/** Length of `encode(message)`. */
export function encodedBytes(message: Message): number {
  return encode(message).length;
}

const KINDS: Kinds<Message> = { ...membershipKinds, ...placementKinds, ...nameKinds };
const BY_NUMBER = new Map<number, { readonly kind: string; readonly type: Type<object> }>();
for (const kind of Object.keys(KINDS) as MessageKind[]) {
  const [number, type] = ofKind(kind);
  assert(!BY_NUMBER.has(number) && number < 256, `message kind ${kind} needs a number of its own below 256, has ${number}`);
  BY_NUMBER.set(number, { kind, type });
}

/** The tables are checked kind by kind; here the kind is only known at run time. */
function ofKind(kind: MessageKind): readonly [number, Type<object>] {
  return KINDS[kind] as unknown as readonly [number, Type<object>];
}

function tooLong(bytes: number): WireError {
  return new WireError('too-long', `a message is at most ${LIMITS.streamMessageBytes} bytes, got ${bytes}`);
}
