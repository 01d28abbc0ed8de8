/** What a tar of plain files and directories with short names is made of (POSIX ustar, IEEE 1003.1-2017). */

const BLOCK_BYTES = 512;
/** What eleven octal digits hold; larger sizes are written as GNU does, in base 256. */
const MAX_OCTAL = 8 ** 11 - 1;

export interface TarFile {
  /** At most 100 bytes; a directory's ends in a slash. */
  readonly name: string;
  readonly sizeBytes: number;
}

/** The header of a read-only file, or of a directory, of root's and of 1970: the same content gives the same tar. */
export function tarHeader({ name, sizeBytes }: TarFile): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const isDirectory = name.endsWith('/');
  block.write(name, 0, 100);
  block.write(`${octal(isDirectory ? 0o755 : 0o444, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100);
  if (sizeBytes <= MAX_OCTAL) block.write(`${octal(sizeBytes, 11)}\0`, 124);
  else {
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(sizeBytes), 128);
  }
  block.write(`${octal(0, 11)}\0`, 136);
  block.write(' '.repeat(8), 148);
  block.write(isDirectory ? '5' : '0', 156);
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

/** What follows a file's content, up to the next header. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** The end mark. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK_BYTES);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
