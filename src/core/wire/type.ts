import { utf8Clip, utf8Length } from '../../lib/utf8.ts';
import { WireError } from './error.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** How a value is framed, so that a reader who doesn't know its field can step over it (protobuf's wire types). */
export const FRAMING = { varint: 0, eightBytes: 1, delimited: 2 } as const;
export type Framing = (typeof FRAMING)[keyof typeof FRAMING];

/** How a T becomes bytes and back. Both directions check the value's bounds. */
export interface Type<T> {
  readonly framing: Framing;
  /** Writes the body, without the length of a delimited one. */
  readonly write: (out: Writer, value: T) => void;
  /** Reads the body; of a delimited one all that `input` has left. */
  readonly read: (input: Reader) => T;
  /** What an absent field means, and which values need not be written. Without it the field is required. */
  readonly absent?: { readonly value: () => T; readonly is: (value: T) => boolean };
}

/** Writes with the length where the framing has one: how fields and list entries stand on the wire. */
export function writeFramed<T>(out: Writer, type: Type<T>, value: T): void {
  if (type.framing === FRAMING.delimited) out.delimited(() => type.write(out, value));
  else type.write(out, value);
}

export function readFramed<T>(input: Reader, type: Type<T>): T {
  if (type.framing !== FRAMING.delimited) return type.read(input);
  const body = input.delimited();
  const value = type.read(body);
  if (body.left > 0) throw new WireError('trailing', `${body.left} bytes are left after the value`);
  return value;
}

export function skipFramed(input: Reader, framing: number): void {
  if (framing === FRAMING.varint) input.varint();
  else if (framing === FRAMING.eightBytes) input.skip(8);
  else if (framing === FRAMING.delimited) input.delimited();
  else throw new WireError('malformed', `no framing has the number ${framing}`);
}

/** An integer in [0, max]; 0 is not written. */
export function uint(max: number = Number.MAX_SAFE_INTEGER): Type<number> {
  const check = (value: number): number => {
    if (!Number.isSafeInteger(value) || value < 0 || value > max) {
      throw new WireError('out-of-range', `needs an integer from 0 to ${max}, got ${value}`);
    }
    return value;
  };
  return {
    framing: FRAMING.varint,
    write: (out, value) => out.varint(check(value)),
    read: (input) => check(input.varint()),
    absent: { value: () => 0, is: (value) => value === 0 },
  };
}

/** An integer in [1, max]. Required. */
export function positive(max: number): Type<number> {
  const { framing, write, read } = uint(max);
  const check = (value: number): number => {
    if (value === 0) throw new WireError('out-of-range', `needs an integer from 1 to ${max}, got 0`);
    return value;
  };
  return { framing, write: (out, value) => write(out, check(value)), read: (input) => check(read(input)) };
}

/** An integer of at most 52 bits and a sign, zigzag: near zero either way is short. 0 is not written. */
export const sint: Type<number> = {
  framing: FRAMING.varint,
  write: (out, value) => {
    if (!Number.isSafeInteger(value * 2)) throw new WireError('out-of-range', `needs an integer of 52 bits, got ${value}`);
    out.varint(value < 0 ? -value * 2 - 1 : value * 2);
  },
  read: (input) => {
    const raw = input.varint();
    return raw % 2 === 1 ? -(raw + 1) / 2 : raw / 2;
  },
  absent: { value: () => 0, is: (value) => value === 0 },
};

export const bool: Type<boolean> = {
  framing: FRAMING.varint,
  write: (out, value) => out.varint(value ? 1 : 0),
  read: (input) => {
    const raw = input.varint();
    if (raw > 1) throw new WireError('out-of-range', `needs 0 or 1, got ${raw}`);
    return raw === 1;
  },
  absent: { value: () => false, is: (value) => !value },
};

/** A finite number, eight bytes. Required. */
export const float64: Type<number> = {
  framing: FRAMING.eightBytes,
  write: (out, value) => out.float64(finite(value)),
  read: (input) => finite(input.float64()),
};

/** Text of at most `maxBytes` bytes which must arrive whole. Empty is not written. */
export function utf8(maxBytes: number, accepts: RegExp = ANY): Type<string> {
  const check = (text: string): string => {
    if (!accepts.test(text)) throw new WireError('out-of-range', `does not take ${JSON.stringify(text)}`);
    return text;
  };
  return {
    framing: FRAMING.delimited,
    write: (out, text) => {
      if (utf8Length(text) > maxBytes) throw new WireError('too-long', `takes at most ${maxBytes} bytes of text, got ${utf8Length(text)}`);
      out.utf8(check(text));
    },
    read: (input) => {
      if (input.left > maxBytes) throw new WireError('too-long', `takes at most ${maxBytes} bytes of text, got ${input.left}`);
      return check(input.utf8());
    },
    absent: { value: () => '', is: (text) => text === '' },
  };
}

/** Words for people: what is beyond `maxBytes` is cut off rather than refused. */
export function prose(maxBytes: number): Type<string> {
  const whole = utf8(maxBytes);
  return { ...whole, write: (out, text) => whole.write(out, utf8Clip(text, maxBytes)) };
}

/** A branded id of `digits` lower-case hex digits, as raw bytes. Required. */
export function hex<Id extends string>(digits: number): Type<Id> {
  return {
    framing: FRAMING.delimited,
    write: (out, id) => {
      if (id.length !== digits || !HEX.test(id))
        throw new WireError('out-of-range', `needs ${digits} hex digits, got ${JSON.stringify(id)}`);
      out.hex(id);
    },
    read: (input) => {
      if (input.left !== digits / 2) throw new WireError('out-of-range', `needs ${digits / 2} bytes, got ${input.left}`);
      return input.hex() as Id;
    },
  };
}

/** One of `words`, by its place among them: new words are appended. Required. */
export function oneOf<Word extends string>(words: readonly Word[]): Type<Word> {
  return {
    framing: FRAMING.varint,
    write: (out, word) => {
      const index = words.indexOf(word);
      if (index < 0) throw new WireError('out-of-range', `needs one of ${words.join(', ')}, got ${JSON.stringify(word)}`);
      out.varint(index);
    },
    read: (input) => {
      const index = input.varint();
      const word = words[index];
      if (word === undefined) throw new WireError('out-of-range', `needs one of ${words.length} words, got number ${index}`);
      return word;
    },
  };
}

/** A field that may be absent altogether. */
export function optional<T>(type: Type<T>): Type<T | undefined> {
  return {
    framing: type.framing,
    write: (out, value) => {
      if (value !== undefined) type.write(out, value);
    },
    read: type.read,
    absent: { value: () => undefined, is: (value) => value === undefined },
  };
}

/** At most `max` entries, one after the other. Empty is not written. */
export function list<T>(type: Type<T>, max: number): Type<readonly T[]> {
  const tooLong = (): WireError => new WireError('too-long', `takes at most ${max} entries`);
  return {
    framing: FRAMING.delimited,
    write: (out, values) => {
      if (values.length > max) throw tooLong();
      for (const value of values) writeFramed(out, type, value);
    },
    read: (input) => {
      const values: T[] = [];
      while (input.left > 0) {
        if (values.length === max) throw tooLong();
        values.push(readFramed(input, type));
      }
      return values;
    },
    absent: { value: () => [], is: (values) => values.length === 0 },
  };
}

/** At most `most` labels and `maxBytes` bytes, keys and values together. Empty is not written. */
export function labels(most: number, maxBytes: number): Type<Readonly<Record<string, string>>> {
  // Each word costs its text and one or two bytes of length.
  const words = within(maxBytes, list(utf8(maxBytes), most * 2));
  return {
    framing: FRAMING.delimited,
    write: (out, record) => words.write(out, Object.entries(record).flat()),
    read: (input) => {
      const flat = words.read(input);
      const record = new Map<string, string>();
      for (let i = 0; i < flat.length; i += 2) {
        const [key, value] = [flat[i] as string, flat[i + 1]];
        if (value === undefined || record.has(key)) throw new WireError('malformed', `label ${JSON.stringify(key)} has no value, or two`);
        record.set(key, value);
      }
      return Object.fromEntries(record);
    },
    absent: { value: () => ({}), is: (record) => Object.keys(record).length === 0 },
  };
}

const ANY = /^/;
const HEX = /^[0-9a-f]+$/;

/** The same list, with a bound on the bytes of all its texts together. */
function within(maxBytes: number, type: Type<readonly string[]>): Type<readonly string[]> {
  const check = (texts: readonly string[]): readonly string[] => {
    let bytes = 0;
    for (const text of texts) bytes += utf8Length(text);
    if (bytes > maxBytes) throw new WireError('too-long', `takes at most ${maxBytes} bytes in all, got ${bytes}`);
    return texts;
  };
  return { ...type, write: (out, texts) => type.write(out, check(texts)), read: (input) => check(type.read(input)) };
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new WireError('out-of-range', `needs a finite number, got ${value}`);
  return value;
}
