import { utf8Length } from '../../lib/utf8.ts';
import { WireError } from './error.ts';
import { utf8Write } from './utf8.ts';

/** A growing byte buffer with the three primitives of the wire: varint, eight bytes, length-delimited. */
export class Writer {
  #bytes = new Uint8Array(256);
  #length = 0;
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  /** Little-endian base 128; `value` is an integer in [0, 2^53). */
  varint(value: number): void {
    this.#room(MAX_VARINT_BYTES);
    this.#length = putVarint(this.#bytes, this.#length, value);
  }

  float64(value: number): void {
    this.#room(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  utf8(text: string): void {
    this.#room(utf8Length(text));
    this.#length = utf8Write(text, this.#bytes, this.#length);
  }

  /** Two lower-case digits a byte; the caller has checked them. */
  hex(digits: string): void {
    this.#room(digits.length / 2);
    for (let i = 0; i < digits.length; i += 2) this.#bytes[this.#length++] = Number.parseInt(digits.slice(i, i + 2), 16);
  }

  /** Runs `body` and puts the number of bytes it wrote in front of them. */
  delimited(body: () => void): void {
    const at = this.#length;
    body();
    const length = this.#length - at;
    this.#room(MAX_VARINT_BYTES);
    this.#bytes.copyWithin(at + varintLength(length), at, this.#length);
    putVarint(this.#bytes, at, length);
    this.#length += varintLength(length);
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    // The slack of one varint keeps a message that just fits from being refused by the estimate.
    if (needed > this.#maxBytes + MAX_VARINT_BYTES) throw new WireError('too-long', `a message is at most ${this.#maxBytes} bytes`);
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** 53 bits, seven a byte. */
export const MAX_VARINT_BYTES = 8;

function varintLength(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

function putVarint(into: Uint8Array, at: number, value: number): number {
  let rest = value;
  let to = at;
  while (rest >= 0x80) {
    into[to++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  into[to++] = rest;
  return to;
}
