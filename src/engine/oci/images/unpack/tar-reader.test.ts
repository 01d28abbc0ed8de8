import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePaxRecords, type TarEntry } from './pax.ts';
import { fixtureTar, paxBytes } from './tar-fixture.ts';
import { parseTarHeader, TarError } from './tar-header.ts';
import { TarReader } from './tar-reader.ts';

interface Seen {
  readonly entry: TarEntry;
  content: Buffer;
}

function read(tar: Buffer, pieceBytes = tar.length): Seen[] {
  const seen: Seen[] = [];
  const reader = new TarReader({
    entry: (entry) => void seen.push({ entry, content: Buffer.alloc(0) }),
    data: (chunk) => {
      const last = seen.at(-1);
      if (last !== undefined) last.content = Buffer.concat([last.content, chunk]);
    },
    endOfFile: () => undefined,
  });
  for (let at = 0; at < tar.length; at += pieceBytes) reader.write(tar.subarray(at, at + pieceBytes));
  reader.end();
  return seen;
}

const name = fc.stringMatching(/^[a-zA-Z0-9._é-]{1,30}$/);
const entry = fc.record({
  name,
  content: fc.uint8Array({ maxLength: 1500 }).map((content) => Buffer.from(content)),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 0o7777777 }),
  mtime: fc.integer({ min: 0, max: 2 ** 31 }),
  pax: fc.option(
    fc.record({
      path: fc.stringMatching(/^[a-z/]{1,300}[a-z]$/),
      'SCHILY.xattr.user.x': fc.uint8Array({ maxLength: 100 }).map((value) => Buffer.from(value)),
    }),
    { nil: undefined },
  ),
});

describe('a tar', () => {
  it('reads the same in whatever pieces it arrives', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), fc.integer({ min: 1, max: 1100 }), (entries, pieceBytes) => {
        const seen = read(fixtureTar(entries.map(({ pax, ...rest }) => (pax === undefined ? rest : { ...rest, pax }))), pieceBytes);
        expect(
          seen.map(({ entry, content }) => ({
            name: entry.name,
            mode: entry.mode,
            uid: entry.uid,
            mtime: entry.mtime,
            content,
            xattr: entry.xattrs.get('user.x'),
          })),
        ).toEqual(
          entries.map((expected) => ({
            name: expected.pax?.path ?? expected.name,
            mode: expected.mode,
            uid: expected.uid,
            mtime: expected.mtime,
            content: expected.content,
            xattr: expected.pax?.['SCHILY.xattr.user.x'],
          })),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('knows GNU long names and links, and leaves pax global headers', () => {
    const long = 'l'.repeat(150);
    const [first, second] = read(
      fixtureTar([
        { name: 'global', type: 'g', content: paxBytes({ path: 'not-this' }) },
        { name: '././@LongLink', type: 'L', content: `${long}\0` },
        { name: '././@LongLink', type: 'K', content: `${long}-target\0` },
        { name: 'cut', type: '2', link: 'cut' },
        { name: 'next' },
      ]),
    );
    expect(first?.entry).toMatchObject({ name: long, link: `${long}-target`, type: '2' });
    expect(second?.entry.name).toBe('next');
  });

  it('reads sizes in base 256', () => {
    const tar = fixtureTar([{ name: 'a', content: 'abc' }]);
    tar.fill(0, 124, 136);
    tar[124] = 0x80;
    tar[135] = 3;
    tar.fill(0x20, 148, 156);
    tar.write(
      `${tar
        .subarray(0, 512)
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    );
    expect(read(tar)[0]?.content.toString()).toBe('abc');
  });

  it('may not go on after its end mark in disguise', () => {
    const entry = fixtureTar([{ name: 'a' }]).subarray(0, 512);
    expect(() => read(Buffer.concat([Buffer.alloc(512), entry]))).toThrow('follows the end mark');
  });
});

it('any damage is read or refused in words, never anything else', () => {
  const tar = fixtureTar([{ name: 'a', content: 'x'.repeat(600), pax: { path: 'b', 'SCHILY.xattr.user.a': 'v' } }, { name: 'dir/' }]);
  const damage = fc.array(fc.tuple(fc.nat(tar.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  const survives = (bytes: Buffer): void => {
    try {
      read(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(TarError);
    }
  };
  fc.assert(
    fc.property(damage, fc.nat(tar.length), (changes, length) => {
      const damaged = Buffer.from(tar);
      for (const [at, byte] of changes) damaged[at] = byte;
      survives(damaged);
      survives(damaged.subarray(0, length));
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ minLength: 512, maxLength: 2048 }), (noise) => survives(Buffer.from(noise))));
});

it('a header with a right checksum and any other bytes is read or refused in words', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 512, maxLength: 512 }), (noise) => {
      const block = Buffer.from(noise);
      block.fill(0x20, 148, 156);
      block.write(
        `${block
          .reduce((sum, byte) => sum + byte, 0)
          .toString(8)
          .padStart(6, '0')}\0 `,
        148,
      );
      try {
        const header = parseTarHeader(block);
        expect(header?.sizeBytes).toBeGreaterThanOrEqual(0);
        expect(Number.isSafeInteger(header?.sizeBytes)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(TarError);
      }
    }),
  );
});

describe('pax records', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.stringMatching(/^[A-Za-z.]{1,20}$/),
          fc.uint8Array({ maxLength: 200 }).map((value) => Buffer.from(value)),
        ),
        (records) => {
          expect(Object.fromEntries(parsePaxRecords(paxBytes(records)))).toEqual({ ...records });
        },
      ),
    );
  });

  it.each(['5 a=b', '99 a=b\n', '0 a=b\n', '3 \n', 'x a=b\n', '6 a=b', '-6 a=b\n', '5 =b\n'])('are refused where malformed: %j', (text) => {
    expect(() => parsePaxRecords(Buffer.from(text))).toThrow(TarError);
  });
});
