import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TarEntry } from '../images/unpack/pax.ts';
import { TarReader } from '../images/unpack/tar-reader.ts';
import { type ArchivedFile, padding, TAR_END, tarHeader } from './tar-writer.ts';

function readBack(tar: Buffer): TarEntry[] {
  const entries: TarEntry[] = [];
  const reader = new TarReader({ entry: (entry) => void entries.push(entry), data: () => undefined, endOfFile: () => undefined });
  reader.write(tar);
  reader.end();
  return entries;
}
const FILE: ArchivedFile = {
  name: 'file',
  type: '0',
  link: '',
  mode: 0o644,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  mtimeSeconds: 0,
  major: 0,
  minor: 0,
  xattrs: new Map(),
};
const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

describe('a tar header', () => {
  it('says whatever a file system may have', () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 300 })
      .filter((each) => !each.includes('\0') && !each.endsWith('/'));
    const file = fc.record({
      name: text,
      link: text,
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      gid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      mtimeSeconds: fc.integer({ min: 0, max: 2 ** 34 }),
      major: fc.integer({ min: 0, max: 4_095 }),
      minor: fc.integer({ min: 0, max: 2 ** 20 - 1 }),
      xattr: fc.uint8Array({ maxLength: 600 }),
    });
    fc.assert(
      fc.property(file, ({ name, link, xattr, ...numbers }) => {
        const xattrs = new Map([['security.capability', Buffer.from(xattr)]]);
        const header = tarHeader({ ...FILE, ...numbers, type: '3', name: latin1(name), link: latin1(link), xattrs });
        expect(header.length % 512).toBe(0);
        const [entry] = readBack(Buffer.concat([header, TAR_END]));
        const { mtimeSeconds, ...same } = numbers;
        expect(entry).toMatchObject({ ...same, mtime: mtimeSeconds, name, link });
        expect(entry?.xattrs.get('security.capability')).toEqual(Buffer.from(xattr));
      }),
    );
  });

  it('has room for sizes beyond eight gigabytes', () => {
    const sizeBytes = 2 ** 40 + 1;
    const entries: TarEntry[] = [];
    const reader = new TarReader({ entry: (entry) => void entries.push(entry), data: () => undefined, endOfFile: () => undefined });
    reader.write(tarHeader({ ...FILE, sizeBytes }));
    expect(entries).toMatchObject([{ sizeBytes }]);
  });

  it('fills up to whole blocks', () => {
    expect([0, 1, 511, 512, 513].map((size) => padding(size).length)).toEqual([0, 511, 1, 0, 511]);
  });

  it('is plain where it can be', () => {
    expect(tarHeader(FILE)).toHaveLength(512);
    expect(tarHeader({ ...FILE, mtimeSeconds: -5 }).toString('latin1', 136, 147)).toBe('00000000000');
  });
});
