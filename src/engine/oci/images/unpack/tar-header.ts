/** One 512-byte header of a tar: POSIX ustar (IEEE 1003.1-2017, pax) and GNU's dialect of it. */

/** A tar that isn't one, or has what a layer may not have. */
export class TarError extends Error {
  override name = 'TarError';
}

export const BLOCK_BYTES = 512;

export interface TarHeader {
  readonly name: string;
  readonly link: string;
  /** The type flag as a character; old tars' NUL reads as `0`. */
  readonly type: string;
  /** Permission bits only. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Seconds since 1970, with fraction where pax gave one. */
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
}

/** Undefined for a block of zeros, which marks the end. @throws TarError */
export function parseTarHeader(block: Buffer): TarHeader | undefined {
  if (isZero(block)) return undefined;
  const checksum = numberAt(block, 148, 8);
  if (checksum !== sumOf(block)) throw new TarError(`a header's checksum is wrong: the tar is damaged, or it is none`);
  const typeByte = block[156] ?? 0;
  const ustar = block.toString('latin1', 257, 262) === 'ustar';
  const prefix = ustar && block[262] === 0 ? textAt(block, 345, 155) : '';
  const name = textAt(block, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    link: textAt(block, 157, 100),
    type: typeByte === 0 ? '0' : String.fromCharCode(typeByte),
    mode: numberAt(block, 100, 8) & 0o7777,
    uid: numberAt(block, 108, 8),
    gid: numberAt(block, 116, 8),
    sizeBytes: numberAt(block, 124, 12),
    mtime: mtimeAt(block),
    major: ustar ? numberAt(block, 329, 8) : 0,
    minor: ustar ? numberAt(block, 337, 8) : 0,
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws TarError for bytes that are no UTF-8: decoding them loosely could make two names one */
export function decodeName(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new TarError(`the name ${JSON.stringify(Buffer.from(bytes).toString('latin1'))} is not UTF-8`);
  }
}

function textAt(block: Buffer, offset: number, length: number): string {
  const end = block.indexOf(0, offset);
  return decodeName(block.subarray(offset, end < 0 || end > offset + length ? offset + length : end));
}

/** Octal digits, or GNU's base 256 where the first bit is set. */
function numberAt(block: Buffer, offset: number, length: number): number {
  const first = block[offset] ?? 0;
  if ((first & 0x80) !== 0) return base256(block.subarray(offset, offset + length));
  const text = block
    .toString('latin1', offset, offset + length)
    .replace(/[ \0]+$/, '')
    .trimStart();
  if (text === '') return 0;
  if (!/^[0-7]+$/.test(text)) throw new TarError(`a header has ${JSON.stringify(text)} where an octal number must be`);
  return Number.parseInt(text, 8);
}

function base256(field: Buffer): number {
  if (field[0] !== 0x80) throw new TarError('a header has a negative number, or one too large');
  let value = 0;
  for (const byte of field.subarray(1)) {
    value = value * 256 + byte;
    if (value > Number.MAX_SAFE_INTEGER) throw new TarError('a header has a number that is too large');
  }
  return value;
}

/** Times before 1970 exist; they count as 1970. */
function mtimeAt(block: Buffer): number {
  return block[136] === 0xff ? 0 : numberAt(block, 136, 12);
}

/** The sum of all bytes, the checksum field itself taken as spaces. */
function sumOf(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK_BYTES; i++) if (i < 148 || i >= 156) sum += block[i] ?? 0;
  return sum;
}

function isZero(block: Buffer): boolean {
  return block[0] === 0 && block.every((byte) => byte === 0);
}
