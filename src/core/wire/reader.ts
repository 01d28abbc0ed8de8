import { WireError } from './error.ts';
import { utf8Read } from './utf8.ts';
import { MAX_VARINT_BYTES } from './writer.ts';

/** Reads the primitives of the wire from a window of bytes, never beyond its end. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, from = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  /** Bytes not yet read. */
  get left(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    if (this.#at >= this.#end) throw new WireError('truncated', 'the bytes end inside a value');
    return this.#bytes[this.#at++] as number;
  }

  /** An integer in [0, 2^53). */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
      scale *= 0x80;
    }
    throw new WireError('malformed', 'a varint has more than 53 bits');
  }

  float64(): number {
    this.#need(8);
    const value = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, 8).getFloat64(0, true);
    this.#at += 8;
    return value;
  }

  /** The rest of the window as text. */
  utf8(): string {
    const bytes = this.#bytes.subarray(this.#at, this.#end);
    this.#at = this.#end;
    return utf8Read(bytes);
  }

  /** The rest of the window as lower-case hex digits. */
  hex(): string {
    let digits = '';
    while (this.#at < this.#end) digits += HEX_OF[this.#bytes[this.#at++] as number];
    return digits;
  }

  /** A window over a length-delimited value, which is then behind us. */
  delimited(): Reader {
    const length = this.varint();
    this.#need(length);
    const window = new Reader(this.#bytes, this.#at, this.#at + length);
    this.#at += length;
    return window;
  }

  /** Steps over `bytes` bytes of no interest. */
  skip(bytes: number): void {
    this.#need(bytes);
    this.#at += bytes;
  }

  #need(bytes: number): void {
    if (bytes > this.left) throw new WireError('truncated', `${bytes} bytes are announced, ${this.left} are left`);
  }
}

const HEX_OF = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
