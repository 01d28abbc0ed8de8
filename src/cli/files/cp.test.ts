import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract, type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GO_FILE_MODE } from '../../docker-api/types.ts';
import { type Asked, FakeDaemon, HELD, refuse, run, type RunOptions } from '../testing.ts';

let daemon: FakeDaemon;
let scratch: string;
const cli = (argv: string[], options: RunOptions = {}) => run(['--host', `unix://${daemon.socket}`, ...argv], options);
const at = (path: string): string => join(scratch, path);
const text = (path: string): string => readFileSync(at(path), 'utf8');

beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
  daemon.on('GET /containers/web/json', { Id: 'w' });
  scratch = mkdtempSync(join(tmpdir(), 'caravela-cp-'));
});
afterEach(async () => {
  await daemon.close();
  rmSync(scratch, { recursive: true, force: true });
});

type Entry = Partial<Header> & { readonly name: string; readonly content?: string };
const FOLDER: readonly Entry[] = [
  { name: 'conf/', type: 'directory', mode: 0o750 },
  { name: 'conf/a', content: 'A', mode: 0o640, mtime: new Date(1e12) },
  { name: 'conf/sub/', type: 'directory', mode: 0o555 },
  { name: 'conf/sub/b', content: 'B' },
  { name: 'conf/link', type: 'symlink', linkname: '/etc/passwd' },
  { name: 'conf/twin', type: 'link', linkname: 'conf/a' },
];

async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content = '', ...header } of entries) archive.entry({ type: 'file', ...header }, content);
  archive.finalize();
  return buffer(Readable.from(archive));
}

/** What the container has at a path: its archive, and what it is. */
function has(path: string, mode: number, entries: readonly Entry[] | Buffer, linkTarget = ''): void {
  const tell = (response: ServerResponse): void => {
    const stat = { name: 'x', size: 0, mode, mtime: '2026-01-01T00:00:00Z', linkTarget };
    response.setHeader('X-Docker-Container-Path-Stat', Buffer.from(JSON.stringify(stat)).toString('base64'));
  };
  places.set(path, { tell, entries });
  daemon.on('HEAD /containers/web/archive', ({ query }: Asked, response: ServerResponse) => {
    const place = places.get(query.path ?? '');
    if (place === undefined) response.writeHead(404).end();
    else {
      place.tell(response);
      response.end();
    }
    return HELD;
  });
  daemon.on('GET /containers/web/archive', async ({ query }: Asked, response: ServerResponse) => {
    const place = places.get(query.path ?? '');
    if (place === undefined) refuse(response, 404, `could not find the file ${query.path ?? ''} in container web`);
    else {
      place.tell(response);
      response.end(Buffer.isBuffer(place.entries) ? place.entries : await tar(place.entries));
    }
    return HELD;
  });
}
const places = new Map<string, { tell(response: ServerResponse): void; entries: readonly Entry[] | Buffer }>();
afterEach(() => places.clear());

const DIRECTORY = GO_FILE_MODE.directory + 0o755;

describe('cp from a container', () => {
  it('gives a directory its name within one, or takes the name that is said', async () => {
    has('/etc/conf', DIRECTORY, FOLDER);
    expect(await cli(['cp', 'web:/etc/conf', scratch])).toEqual({ code: 0, out: '', err: '' });
    expect([text('conf/a'), text('conf/sub/b'), readlinkSync(at('conf/link')), text('conf/twin')]).toEqual(['A', 'B', '/etc/passwd', 'A']);
    expect([statSync(at('conf')).mode & 0o777, statSync(at('conf/a')).mode & 0o777, statSync(at('conf/sub')).mode & 0o777]).toEqual([
      0o750, 0o640, 0o555,
    ]);
    expect(statSync(at('conf/a')).mtimeMs).toBe(1e12);
    expect(lstatSync(at('conf/a')).ino).toBe(lstatSync(at('conf/twin')).ino);
    await cli(['cp', 'web:etc/conf', at('other')]);
    expect(readdirSync(at('other')).sort()).toEqual(['a', 'link', 'sub', 'twin']);
    chmodSync(at('conf/sub'), 0o755);
  });

  it('takes what is in a directory for /.', async () => {
    has(
      '/etc/conf/.',
      DIRECTORY,
      FOLDER.map((entry) => ({ ...entry, name: entry.name.replace(/^conf/, '.') })).filter(({ type }) => type !== 'link'),
    );
    chmodSync(scratch, 0o711);
    await cli(['cp', 'web:/etc/conf/.', scratch]);
    expect(readdirSync(scratch).sort()).toEqual(['a', 'link', 'sub']);
    // Whose directory it is decides who may see it.
    expect(statSync(scratch).mode & 0o777).toBe(0o711);
    await cli(['cp', 'web:/etc/conf/.', at('fresh')]);
    expect(text('fresh/sub/b')).toBe('B');
    chmodSync(at('sub'), 0o755);
  });

  it('puts a file in a directory, in a file’s place, through a link, or by a new name', async () => {
    has('/f', 0o644, [{ name: 'f', content: 'new' }]);
    mkdirSync(at('d'));
    writeFileSync(at('old'), 'old');
    symlinkSync('old', at('link'));
    for (const to of ['d', 'link', 'name']) expect(await cli(['cp', 'web:/f', at(to)])).toMatchObject({ code: 0 });
    expect([text('d/f'), text('old'), text('name'), readlinkSync(at('link'))]).toEqual(['new', 'new', 'new', 'old']);
  });

  it('follows the container’s links with -L', async () => {
    has('/link', GO_FILE_MODE.symlink + 0o777, [{ name: 'link', type: 'symlink', linkname: 'f' }], '/real/f');
    has('/real/f', 0o644, [{ name: 'f', content: 'real' }]);
    await cli(['cp', 'web:/link', scratch]);
    expect(readlinkSync(at('link'))).toBe('f');
    rmSync(at('link'));
    await cli(['cp', '-L', 'web:/link', scratch]);
    expect(text('link')).toBe('real');
  });

  it('is a tar archive for -', async () => {
    const archive = await tar(FOLDER);
    has('/etc/conf', DIRECTORY, archive);
    expect((await cli(['cp', 'web:/etc/conf', '-'])).out).toBe(archive.toString());
  });

  it.each([
    [[{ name: 'conf/../../escape', content: 'x' }], /leads out of it/],
    [
      [
        { name: 'conf/door', type: 'symlink', linkname: '/' },
        { name: 'conf/door/escape', content: 'x' },
      ],
      /goes through .*door, which is no directory/,
    ],
    [
      [
        { name: 'conf/door', type: 'symlink', linkname: '/etc' },
        { name: 'conf/door/', type: 'directory' },
      ],
      /cannot overwrite .*door, which is no directory/,
    ],
    [[{ name: 'conf/twin', type: 'link', linkname: 'conf/../../secret' }], /leads out of it/],
    [
      [
        { name: 'conf/door', type: 'symlink', linkname: '/etc' },
        { name: 'conf/twin', type: 'link', linkname: 'conf/door/passwd' },
      ],
      /goes through/,
    ],
  ] as [Entry[], RegExp][])('trusts no archive: %j', async (entries, why) => {
    has('/etc/conf', DIRECTORY, [{ name: 'conf/', type: 'directory' }, ...entries]);
    mkdirSync(at('in'));
    writeFileSync(at('secret'), 's');
    const ran = await cli(['cp', 'web:/etc/conf', at('in')]);
    expect([ran.code, ran.err]).toEqual([1, expect.stringMatching(why)]);
    expect(existsSync(at('escape'))).toBe(false);
  });

  it('says what can’t be', async () => {
    has('/d', DIRECTORY, FOLDER);
    has('/f', 0o644, [{ name: 'f', content: 'x' }]);
    writeFileSync(at('file'), 'x');
    mkdirSync(at('dir/f'), { recursive: true });
    const said = async (...words: string[]): Promise<string> => (await cli(['cp', ...words])).err;
    expect(await said('web:/none', scratch)).toBe('caravela: could not find the file /none in container web\n');
    expect(await said('web:/d', at('file'))).toMatch(/cannot copy a directory over .*file, which is a file/);
    expect(await said('web:/f', at('none/'))).toMatch(/there is no directory .*none\//);
    expect(await said('web:/f', at('none/f'))).toMatch(/there is no directory .*none/);
    expect(await said('web:/f', at('dir'))).toMatch(/cannot overwrite the directory .*dir\/f/);
    expect(await said('web:/f', 'db:/f')).toMatch(/copying between containers is not supported/);
    expect(await said('a', './b:c')).toMatch(/one of the two must be in a container/);
    has('/bad', 0o644, Buffer.alloc(2_000, 'x'));
    expect(await said('web:/bad', scratch)).toMatch(/the archive from the container can't be read/);
  });

  it('says so when the daemon is lost in the middle', async () => {
    has('/d', DIRECTORY, []);
    const archive = await tar([
      { name: 'd/', type: 'directory' },
      { name: 'd/f', content: 'x'.repeat(100_000) },
    ]);
    daemon.on('GET /containers/web/archive', (_asked: Asked, response: ServerResponse) => {
      places.get('/d')?.tell(response);
      response.write(archive.subarray(0, 50_000));
      setTimeout(() => response.destroy(), 20);
      return HELD;
    });
    expect(await cli(['cp', 'web:/d', scratch])).toMatchObject({
      code: 1,
      err: 'caravela: lost the connection to the daemon before all was copied (aborted)\n',
    });
  });

  it('tells on a terminal how much it was', async () => {
    has('/f', 0o644, [{ name: 'f', content: 'x' }]);
    expect((await cli(['cp', 'web:/f', scratch], { tty: true })).err).toMatch(new RegExp(`^Successfully copied .*B to ${scratch}\\n$`));
    expect((await cli(['cp', '-q', 'web:/f', scratch], { tty: true })).err).toBe('');
  });
});

describe('cp into a container', () => {
  let got: { query: Asked['query']; names: [string, string][] } | undefined;
  beforeEach(() => {
    got = undefined;
    has('/dir', DIRECTORY, []);
    has('/file', 0o644, []);
    has('/link', GO_FILE_MODE.symlink + 0o777, [], '/dir');
    daemon.on('PUT /containers/web/archive', async ({ query, body }: Asked) => {
      const names: [string, string][] = [];
      const entries = extract();
      entries.end(Buffer.from(body));
      for await (const entry of entries)
        names.push([entry.header.name, `${entry.header.type} ${(await buffer(entry)).toString()}${entry.header.linkname ?? ''}`.trim()]);
      got = { query, names };
    });
    mkdirSync(at('src/sub'), { recursive: true });
    writeFileSync(at('src/f'), 'F');
    linkSync(at('src/f'), at('src/g'));
    symlinkSync('f', at('src/l'));
    symlinkSync('src', at('alias'));
  });

  const whole = (root: string): [string, string][] => [
    [`${root}/`, 'directory'],
    [`${root}/f`, 'file F'],
    [`${root}/g`, `link ${root}/f`],
    [`${root}/l`, 'symlink f'],
    [`${root}/sub/`, 'directory'],
  ];

  it.each([
    ['src', '/dir', '/dir', () => whole('src')],
    ['src/.', '/dir', '/dir', () => whole('.')],
    ['src', '/link', '/dir', () => whole('src')],
    ['src', '/new', '/', () => whole('new')],
    ['src/f', '/dir/', '/dir', () => [['f', 'file F']]],
    ['src/f', '/file', '/', () => [['file', 'file F']]],
    ['src/f', 'new', '/', () => [['new', 'file F']]],
    ['alias', '/dir', '/dir', () => [['alias', 'symlink src']]],
    ['alias/', '/dir', '/dir', () => whole('alias')],
    ['src/l', '/dir', '/dir', () => [['l', 'symlink f']]],
  ] as [string, string, string, () => [string, string][]][])('%s to %s', async (source, target, directory, names) => {
    const path = source.endsWith('.') || source.endsWith('/') ? `${scratch}/${source}` : at(source);
    expect(await cli(['cp', path, `web:${target}`])).toEqual({ code: 0, out: '', err: '' });
    expect(got).toEqual({ query: { path: directory, noOverwriteDirNonDir: '1' }, names: names() });
  });

  it('follows links here with -L, keeps owners with -a', async () => {
    await cli(['cp', '-L', '-a', at('src/l'), 'web:/dir']);
    expect(got).toEqual({ query: { path: '/dir', noOverwriteDirNonDir: '1', copyUIDGID: '1' }, names: [['l', 'file F']] });
  });

  it('unpacks what comes from -', async () => {
    expect(await cli(['cp', '-', 'web:/dir'], { stdin: Readable.from([await tar([{ name: 'x', content: 'X' }])]) })).toMatchObject({
      code: 0,
    });
    expect(got?.names).toEqual([['x', 'file X']]);
    expect((await cli(['cp', '-', 'web:/file'], { stdin: 'x' })).err).toMatch(/the destination \/file must be a directory/);
  });

  it('says what can’t be', async () => {
    const said = async (...words: string[]): Promise<string> => (await cli(['cp', ...words])).err;
    expect(await said(at('none'), 'web:/dir')).toBe(`caravela: cannot use ${at('none')}: no such file\n`);
    expect(await said(at('src'), 'web:/file')).toMatch(/cannot copy a directory over \/file/);
    expect(await said(at('src/f'), 'web:/new/')).toMatch(/there is no directory \/new\//);
    expect(await said(`${at('src/f')}/`, 'web:/dir')).toMatch(/is no directory|part of it is not a directory/);
    expect(await said(at('src/f'), 'none:/x')).toBe('caravela: no such thing: /containers/none/json\n');
    daemon.on('PUT /containers/web/archive', (_asked: Asked, response: ServerResponse) =>
      refuse(response, 403, 'the root of web can only be read'),
    );
    expect(await said(at('src'), 'web:/dir')).toBe('caravela: the root of web can only be read\n');
  });
});
