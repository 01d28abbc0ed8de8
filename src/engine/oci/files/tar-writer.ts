/**
 * Tars as POSIX has them (ustar with pax headers, IEEE 1003.1-2017), written synchronously. Own code because
 * attributes are binary (file capabilities) and names are bytes, here as strings of one character a byte; times are
 * whole seconds, as in Docker's archives.
 */
export interface ArchivedFile {
  readonly name: string;
  /** A tar's type flag. */
  readonly type: '0' | '1' | '2' | '3' | '4' | '5' | '6';
  /** Where a link leads; else ''. */
  readonly link: string;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a regular file's content; 0 for all else. */
  readonly sizeBytes: number;
  /** Since 1970. */
  readonly mtimeSeconds: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
/** Of the header's octal fields, seven and eleven digits. */
const MOST_SMALL = 8 ** 7 - 1;
const MOST_LARGE = 8 ** 11 - 1;
/** What is no plain ASCII is for a pax header to say. */
const ASCII = /^[\x20-\x7e]*$/;

/** What comes before the file's content, its pax header included. */
export function tarHeader(file: ArchivedFile): Buffer {
  const records = paxRecords(file);
  const header = block(file, file.type);
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const pax: ArchivedFile = { ...file, name: 'PaxHeaders/file', link: '', mode: 0o644, sizeBytes: body.length, major: 0, minor: 0 };
  return Buffer.concat([block(pax, 'x'), body, padding(body.length), header]);
}

/** What comes after that many bytes of content. */
export function padding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES);

function paxRecords({ name, link, uid, gid, sizeBytes, mtimeSeconds, xattrs }: ArchivedFile): Buffer[] {
  const long = (text: string): boolean => text.length > NAME_BYTES || !ASCII.test(text);
  return [
    ...(long(name) ? [paxRecord('path', Buffer.from(name, 'latin1'))] : []),
    ...(long(link) ? [paxRecord('linkpath', Buffer.from(link, 'latin1'))] : []),
    ...(uid > MOST_SMALL ? [paxRecord('uid', Buffer.from(String(uid)))] : []),
    ...(gid > MOST_SMALL ? [paxRecord('gid', Buffer.from(String(gid)))] : []),
    ...(sizeBytes > MOST_LARGE ? [paxRecord('size', Buffer.from(String(sizeBytes)))] : []),
    ...(mtimeSeconds > MOST_LARGE ? [paxRecord('mtime', Buffer.from(String(mtimeSeconds)))] : []),
    ...[...xattrs].map(([key, value]) => paxRecord(`SCHILY.xattr.${key}`, value)),
  ];
}

/** `LENGTH KEY=VALUE\n`, the length counting its own digits. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function block(file: ArchivedFile, type: string): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  // What doesn't fit is in the pax header; who knows none sees a name cut short.
  header.write(file.name.slice(0, NAME_BYTES), 0, 'latin1');
  octal(header, file.mode, 100, 8);
  octal(header, Math.min(file.uid, MOST_SMALL), 108, 8);
  octal(header, Math.min(file.gid, MOST_SMALL), 116, 8);
  octal(header, Math.min(file.sizeBytes, MOST_LARGE), 124, 12);
  octal(header, Math.min(Math.max(0, file.mtimeSeconds), MOST_LARGE), 136, 12);
  header.fill(0x20, 148, 156);
  header.write(type, 156, 'latin1');
  header.write(file.link.slice(0, NAME_BYTES), 157, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  octal(header, file.major, 329, 8);
  octal(header, file.minor, 337, 8);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function octal(header: Buffer, value: number, offset: number, length: number): void {
  header.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1');
}
