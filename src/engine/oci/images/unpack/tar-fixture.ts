/** Tars byte by byte, for tests: also those that no honest tool writes. */

export interface FixtureEntry {
  readonly name: string;
  /** The type flag; default `0`, or `5` where the name ends with a slash. */
  readonly type?: string;
  readonly link?: string;
  readonly content?: string | Buffer;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly major?: number;
  readonly minor?: number;
  /** Overrides the size of `content` in the header. */
  readonly sizeBytes?: number;
  readonly mtime?: number;
  readonly pax?: Readonly<Record<string, string | Buffer>>;
}

/** These entries and the end mark. */
export function fixtureTar(entries: readonly FixtureEntry[]): Buffer {
  return Buffer.concat([...entries.map(fixtureEntry), Buffer.alloc(1024)]);
}

/** One entry: its pax header if it has one, its header, its padded content. */
export function fixtureEntry(entry: FixtureEntry): Buffer {
  const content = Buffer.from(entry.content ?? '');
  const pax = entry.pax === undefined ? [] : [fixtureEntry({ name: 'pax', type: 'x', content: paxBytes(entry.pax) })];
  return Buffer.concat([...pax, header(entry, content.length), content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

export function paxBytes(records: Readonly<Record<string, string | Buffer>>): Buffer {
  return Buffer.concat(
    Object.entries(records).map(([key, value]) => {
      const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
      let length = rest.length + 1;
      while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
      return Buffer.concat([Buffer.from(String(length)), rest]);
    }),
  );
}

function header(entry: FixtureEntry, contentBytes: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, offset: number, length: number): void =>
    void block.write(value.toString(8).padStart(length - 1, '0'), offset);
  block.write(entry.name, 0, 100);
  octal(entry.mode ?? 0o755, 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  octal(entry.sizeBytes ?? contentBytes, 124, 12);
  octal(entry.mtime ?? 0, 136, 12);
  block.write(entry.type ?? (entry.name.endsWith('/') ? '5' : '0'), 156);
  block.write(entry.link ?? '', 157, 100);
  block.write('ustar\x0000', 257, 'latin1');
  octal(entry.major ?? 0, 329, 8);
  octal(entry.minor ?? 0, 337, 8);
  block.fill(0x20, 148, 156);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    8,
  );
  return block;
}
