import { decodeName, TarError, type TarHeader } from './tar-header.ts';

/** A tar entry with its pax records and GNU long names applied. */
export interface TarEntry extends TarHeader {
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

const XATTR_PREFIX = 'SCHILY.xattr.';

/** Pax extended header records, `LENGTH KEY=VALUE\n` each (IEEE 1003.1-2017, pax). Values may be binary. @throws TarError */
export function parsePaxRecords(bytes: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const digits = bytes.toString('latin1', at, space < 0 ? at : space);
    const end = at + Number(digits);
    if (!/^[1-9][0-9]{0,7}$/.test(digits) || end > bytes.length || end < space + 2 || bytes[end - 1] !== 0x0a)
      throw new TarError('a pax header is malformed');
    const record = bytes.subarray(space + 1, end - 1);
    const equals = record.indexOf(0x3d);
    if (equals < 1) throw new TarError('a pax header has a record without a key');
    records.set(decodeName(record.subarray(0, equals)), Buffer.from(record.subarray(equals + 1)));
    at = end;
  }
  return records;
}

/** What `header` becomes under its pax `records`. @throws TarError, also for sparse files */
export function applyPax(header: TarHeader, records: ReadonlyMap<string, Buffer>): TarEntry {
  for (const key of records.keys())
    if (key.startsWith('GNU.sparse.')) throw new TarError(`${header.name} is a sparse file, which layers may not have`);
  const xattrs = new Map<string, Buffer>();
  for (const [key, value] of records) if (key.startsWith(XATTR_PREFIX)) xattrs.set(key.slice(XATTR_PREFIX.length), value);
  const text = (key: string): string | undefined => {
    const value = records.get(key);
    return value === undefined || value.length === 0 ? undefined : decodeName(value);
  };
  return {
    ...header,
    name: text('path') ?? header.name,
    link: text('linkpath') ?? header.link,
    uid: wholeNumber('uid', text('uid')) ?? header.uid,
    gid: wholeNumber('gid', text('gid')) ?? header.gid,
    sizeBytes: wholeNumber('size', text('size')) ?? header.sizeBytes,
    mtime: seconds(text('mtime')) ?? header.mtime,
    xattrs,
  };
}

function wholeNumber(key: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(value))
    throw new TarError(`a pax header gives ${key} as ${JSON.stringify(text)}`);
  return value;
}

function seconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^-?[0-9]{1,12}(\.[0-9]{0,18})?$/.test(text)) throw new TarError(`a pax header gives mtime as ${JSON.stringify(text)}`);
  return Math.max(0, Number(text));
}
