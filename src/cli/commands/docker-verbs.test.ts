import { readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Asked, FakeDaemon, HELD, refuse, run, type RunOptions } from '../testing.ts';

let daemon: FakeDaemon;
const cli = (argv: string[], options: RunOptions = {}) => run(['--host', `unix://${daemon.socket}`, ...argv], options);
const words = (line: string, options?: RunOptions) => cli(line.split(' '), options);
const columns = (text: string): string[][] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
});
afterEach(() => daemon.close());

describe('verbs on containers', () => {
  it('rename, pause, unpause', async () => {
    daemon.on('POST /containers/a/rename', undefined).on('POST /containers/a/pause', undefined).on('POST /containers/a/unpause', undefined);
    expect(await words('rename a b')).toEqual({ code: 0, out: '', err: '' });
    expect(daemon.asked[0]?.query).toEqual({ name: 'b' });
    expect(await words('pause a')).toEqual({ code: 0, out: 'a\n', err: '' });
    expect(await words('container unpause a')).toEqual({ code: 0, out: 'a\n', err: '' });
  });

  it('update sends only what was said', async () => {
    daemon.on('POST /containers/a/update', { Warnings: ['no swap here'] });
    expect(await words('update -m 64m --cpus 0.5 --restart always --pids-limit -1 --memory-swap -1 a')).toEqual({
      code: 0,
      out: 'a\n',
      err: 'warning: no swap here\n',
    });
    expect(JSON.parse(daemon.asked[0]?.body ?? '')).toEqual({
      NanoCpus: 5e8,
      Memory: 64 * 2 ** 20,
      MemorySwap: -1,
      PidsLimit: -1,
      RestartPolicy: { Name: 'always', MaximumRetryCount: 0 },
    });
    expect(await words('update a')).toMatchObject({ code: 125, err: 'caravela: say what to change: --memory, --cpus, --restart …\n' });
  });

  it('top and diff', async () => {
    daemon.on('GET /containers/a/top', { Titles: ['PID', 'CMD'], Processes: [['1', 'sleep 9']] });
    daemon.on('GET /containers/a/changes', [
      { Path: '/etc', Kind: 0 },
      { Path: '/etc/x', Kind: 1 },
      { Path: '/etc/y', Kind: 2 },
    ]);
    expect(columns((await words('top a -o pid,cmd')).out)).toEqual([
      ['PID', 'CMD'],
      ['1', 'sleep 9'],
    ]);
    expect(daemon.asked[0]?.query).toEqual({ ps_args: '-o pid,cmd' });
    expect((await words('diff a')).out).toBe('C /etc\nA /etc/x\nD /etc/y\n');
    daemon.on('GET /containers/a/changes', null);
    expect((await words('diff a')).out).toBe('');
  });

  it('commit', async () => {
    daemon.on('POST /commit', { Id: 'sha256:1' });
    expect(await cli(['commit', '-a', 'me', '-m', 'why', '-c', 'CMD ["sh"]', '-c', 'ENV A=b', '--pause=false', 'web', 'shop:2'])).toEqual({
      code: 0,
      out: 'sha256:1\n',
      err: '',
    });
    expect(daemon.asked[0]?.query).toEqual({
      container: 'web',
      repo: 'shop',
      tag: '2',
      author: 'me',
      comment: 'why',
      pause: '0',
      changes: 'ENV A=b',
    });
    await words('commit web');
    expect(daemon.asked[1]?.query).toEqual({ container: 'web', pause: '1' });
  });

  it('ps tells of mounts and sizes', async () => {
    const row = {
      Id: 'a'.repeat(64),
      Names: ['/web'],
      Image: 'i',
      Command: 'sh',
      Created: 0,
      State: 'running',
      Status: 'Up',
      Ports: [],
      Labels: {},
    };
    const mounts = [
      { Type: 'volume', Name: 'data', Source: '/var/lib/x' },
      { Type: 'bind', Source: '/a/very/long/path/somewhere' },
    ];
    daemon.on('GET /containers/json', [
      { ...row, Mounts: mounts, NetworkSettings: { Networks: {} }, SizeRw: 2_000, SizeRootFs: 5_000_000 },
    ]);
    expect((await cli(['ps', '-s', '--format', '{{.Mounts}} {{.LocalVolumes}} {{.Size}}'])).out).toBe(
      'data,/a/very/long/p… 1 2kB (virtual 5MB)\n',
    );
    expect(daemon.asked[0]?.query).toEqual({ size: '1' });
    expect((await words('ps -s')).out).toMatch(/ NAMES +SIZE\n/);
  });
});

describe('verbs on images', () => {
  it('tag and history', async () => {
    daemon.on('POST /images/a/b:1/tag', undefined);
    expect(await words('tag a/b:1 reg:5000/c')).toEqual({ code: 0, out: '', err: '' });
    expect(daemon.asked[0]?.query).toEqual({ repo: 'reg:5000/c', tag: 'latest' });
    expect((await words('tag a b@sha256:1')).err).toMatch(/has a digest/);
    const row = {
      Id: `sha256:${'1'.repeat(64)}`,
      Created: 0,
      CreatedBy: `/bin/sh -c ${'x'.repeat(60)}`,
      Tags: null,
      Size: 1_500,
      Comment: 'c',
    };
    daemon.on('GET /images/a/history', [row, { ...row, Id: '<missing>', Size: 0 }]);
    const lines = columns((await words('history a')).out);
    expect(lines[0]).toEqual(['IMAGE', 'CREATED', 'CREATED BY', 'SIZE', 'COMMENT']);
    expect(lines[1]).toEqual(['1'.repeat(12), expect.stringMatching(/years ago/), `/bin/sh -c ${'x'.repeat(33)}…`, '1.5kB', 'c']);
    expect(lines[2]?.[0]).toBe('<missing>');
    expect((await cli(['history', '--no-trunc', '--human=false', '--format', '{{.ID}} {{.CreatedAt}} {{.Size}}', 'a'])).out).toMatch(
      /^sha256:1{64} 1970-01-01T00:00:00Z 1500\n/,
    );
  });

  it('save writes a file when it is whole, and nothing to a terminal', async () => {
    daemon.on('GET /images/get', (_asked: Asked, response: ServerResponse) => response.end('archive'));
    const file = join(daemon.directory, 'x.tar');
    expect(await words(`save -o ${file} a b:1`)).toEqual({ code: 0, out: '', err: '' });
    expect(readFileSync(file, 'utf8')).toBe('archive');
    expect((await words('save a')).out).toBe('archive');
    expect(await words('save a', { tty: true })).toMatchObject({
      code: 1,
      err: 'caravela: cowardly refusing to save to a terminal: use -o, or redirect the output\n',
    });
    expect(await words(`save -o ${daemon.directory} a`)).toMatchObject({
      err: `caravela: cannot use ${daemon.directory}: it is a directory\n`,
    });
    expect((await words('save -o /nonexistent/x a')).err).toBe('caravela: cannot use /nonexistent/x: there is no directory /nonexistent\n');
    daemon.on('GET /containers/web/export', (_asked: Asked, response: ServerResponse) => {
      response.writeHead(200, { 'content-length': '100' }).write('half');
      setTimeout(() => response.destroy(), 20);
      return HELD;
    });
    expect((await words(`export -o ${file} web`)).err).toMatch(/lost the connection to the daemon before the archive was whole/);
    expect(readFileSync(file, 'utf8')).toBe('archive');
  });

  it('save asks for all at once', async () => {
    const asked: string[] = [];
    daemon.on('GET /images/get', (_asked: Asked, response: ServerResponse) => {
      asked.push(response.req.url ?? '');
      response.end('x');
    });
    await words('save a b:1');
    expect(asked).toEqual(['/v1.41/images/get?names=a&names=b%3A1']);
  });

  it('import', async () => {
    daemon.on('POST /images/create', (_asked: Asked, response: ServerResponse) => response.end('{"status":"sha256:1"}\n'));
    const file = join(daemon.directory, 'root.tar');
    writeFileSync(file, 'root');
    expect(await cli(['import', '-c', 'CMD ["sh"]', '-m', 'why', file, 'mine:1'])).toEqual({ code: 0, out: 'sha256:1\n', err: '' });
    expect(daemon.asked[0]).toMatchObject({
      body: 'root',
      query: { fromSrc: '-', repo: 'mine', tag: '1', message: 'why', changes: 'CMD ["sh"]' },
    });
    await words('import -', { stdin: 'piped' });
    expect(daemon.asked[1]).toMatchObject({ body: 'piped', query: { fromSrc: '-' } });
    await words('import http://x/y.tar');
    expect(daemon.asked[2]).toMatchObject({ body: '', query: { fromSrc: 'http://x/y.tar' } });
  });

  it('search', async () => {
    daemon.on('GET /images/search', [
      { name: 'few', description: 'd', star_count: 1, is_official: false },
      { name: 'many', description: 'x'.repeat(60), star_count: 9, is_official: true },
    ]);
    expect(columns((await words('search --limit 5 -f stars=1 term')).out)).toEqual([
      ['NAME', 'DESCRIPTION', 'STARS', 'OFFICIAL'],
      ['many', `${'x'.repeat(44)}…`, '9', '[OK]'],
      ['few', 'd', '1'],
    ]);
    expect(daemon.asked[0]?.query).toEqual({ term: 'term', limit: '5', filters: '{"stars":["1"]}' });
  });
});

describe('volumes', () => {
  const row = {
    Name: 'data',
    Driver: 'local',
    Mountpoint: '/v/data',
    Labels: { a: 'b' },
    Options: null,
    Scope: 'local',
    Node: { Name: 'node-2' },
  };

  it('are made, listed, shown and removed', async () => {
    daemon.on('POST /volumes/create', row).on('GET /volumes', { Volumes: [row, { ...row, Name: 'a' }], Warnings: null });
    expect(await words('volume create --label a=b -d local -o x=y data')).toEqual({ code: 0, out: 'data\n', err: '' });
    expect(JSON.parse(daemon.asked[0]?.body ?? '')).toEqual({ Name: 'data', Driver: 'local', DriverOpts: { x: 'y' }, Labels: { a: 'b' } });
    expect(columns((await words('volume ls')).out)).toEqual([
      ['DRIVER', 'VOLUME NAME', 'NODE'],
      ['local', 'a', 'node-2'],
      ['local', 'data', 'node-2'],
    ]);
    expect((await words('volume ls -q -f dangling=true')).out).toBe('a\ndata\n');
    expect(daemon.asked.at(-1)?.query).toEqual({ filters: '{"dangling":["true"]}' });
    daemon.on('GET /volumes/data', row).on('DELETE /volumes/data', undefined);
    expect((await cli(['volume', 'inspect', '-f', '{{.Mountpoint}}', 'data'])).out).toBe('/v/data\n');
    expect((await cli(['inspect', '--type', 'volume', '-f', '{{.Name}}', 'data'])).out).toBe('data\n');
    expect(await words('volume rm -f data none')).toMatchObject({ code: 1, out: 'data\n' });
  });
});

describe('prune', () => {
  beforeEach(() => {
    daemon.on('POST /containers/prune', { ContainersDeleted: ['c1'], SpaceReclaimed: 10 });
    daemon.on('POST /networks/prune', { NetworksDeleted: null });
    daemon.on('POST /volumes/prune', { VolumesDeleted: ['v1'], SpaceReclaimed: 1_000 });
    daemon.on('POST /images/prune', { ImagesDeleted: [{ Untagged: 'a:1' }, { Deleted: 'sha256:1' }], SpaceReclaimed: 2_000_000 });
  });

  it('asks first', async () => {
    expect(await words('container prune', { stdin: 'n\n' })).toEqual({
      code: 0,
      out: 'WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ',
      err: '',
    });
    expect(daemon.lines).toEqual([]);
    expect((await words('container prune', { stdin: 'y\n' })).out).toMatch(/Deleted Containers:\nc1\n\nTotal reclaimed space: 10B\n$/);
  });

  it('takes what is asked for', async () => {
    expect((await words('image prune -f --filter until=1h')).out).toBe(
      'Deleted Images:\nuntagged: a:1\ndeleted: sha256:1\n\nTotal reclaimed space: 2MB\n',
    );
    await words('image prune -f -a');
    await words('volume prune -f');
    await words('volume prune -f -a --filter label=x');
    expect(daemon.asked.map(({ query }) => JSON.parse(query.filters ?? '') as unknown)).toEqual([
      { until: ['1h'], dangling: ['true'] },
      { dangling: ['false'] },
      { all: ['false'] },
      { label: ['x'], all: ['true'] },
    ]);
  });

  it('takes all with system prune', async () => {
    const ran = await words('system prune -a --volumes --filter until=1h', { stdin: 'yes\n' });
    expect(ran.out).toMatch(
      /remove:\n {2}- all stopped containers\n {2}- all networks .*\n {2}- all anonymous volumes .*\n {2}- all images without/,
    );
    expect(ran.out).toMatch(
      /Deleted Containers:\nc1\n\nDeleted Volumes:\nv1\n\nDeleted Images:\nuntagged: a:1\ndeleted: sha256:1\n\nTotal reclaimed space: 2.001MB\n$/,
    );
    expect(daemon.asked.map(({ path, query }) => `${path} ${query.filters ?? ''}`)).toEqual([
      '/containers/prune {"until":["1h"]}',
      '/networks/prune {"until":["1h"]}',
      '/volumes/prune {"all":["false"]}',
      '/images/prune {"until":["1h"],"dangling":["false"]}',
    ]);
  });
});

describe('system', () => {
  const image = {
    Id: `sha256:${'1'.repeat(64)}`,
    RepoTags: ['a:1'],
    RepoDigests: null,
    Created: 0,
    Size: 3_000,
    SharedSize: 1_000,
    Containers: 1,
  };
  const container = {
    Id: 'c'.repeat(64),
    Names: ['/web'],
    Image: 'a:1',
    Command: 'sh',
    Created: 0,
    Status: 'Up',
    SizeRw: 100,
    Mounts: [{ Type: 'volume' }],
  };
  const usage = {
    LayersSize: 4_000,
    Images: [image, { ...image, Containers: 0 }],
    Containers: [
      { ...container, State: 'running' },
      { ...container, State: 'exited', SizeRw: 300 },
    ],
    Volumes: [{ Name: 'data', UsageData: { Size: 50, RefCount: 0 } }],
    BuildCache: null,
  };

  it('df', async () => {
    daemon.on('GET /system/df', usage);
    expect(columns((await words('system df')).out)).toEqual([
      ['TYPE', 'TOTAL', 'ACTIVE', 'SIZE', 'RECLAIMABLE'],
      ['Images', '2', '1', '4kB', '2kB (50%)'],
      ['Containers', '2', '1', '400B', '300B (75%)'],
      ['Local Volumes', '1', '0', '50B', '50B (100%)'],
    ]);
    const { out } = await words('system df -v');
    expect(out).toMatch(/^Images space usage:\n\nREPOSITORY +TAG .*\na +1 +1{12} .* 3kB +1kB +2kB +1\n/s);
    expect(out).toMatch(/Containers space usage:\n\nCONTAINER ID .*\nc{12} +a:1 +"sh" +1 +100B .* Up +web\n/s);
    expect(out).toMatch(/Local Volumes space usage:\n\nVOLUME NAME +LINKS +SIZE\ndata +0 +50B\n$/);
  });

  it('events', async () => {
    const event = {
      Type: 'container',
      Action: 'start',
      Actor: { ID: 'abc', Attributes: { name: 'web', image: 'i' } },
      scope: 'local',
      time: 1_700_000_000,
      timeNano: 1_700_000_000_713_000_000,
    };
    daemon.on('GET /events', (_asked: Asked, response: ServerResponse) =>
      response.end(`${JSON.stringify(event)}\n${JSON.stringify(event)}\n`),
    );
    const { out } = await words('events --since 1 --until 2000000000 -f type=container -f event=start', { env: { TZ: 'UTC' } });
    expect(out.split('\n')[0]).toMatch(/^2023-11-14T\d\d:\d\d:20\.713000000(Z|[+-]\d\d:\d\d) container start abc \(image=i, name=web\)$/);
    expect(daemon.asked[0]?.query).toEqual({ since: '1', until: '2000000000', filters: '{"type":["container"],"event":["start"]}' });
    expect((await cli(['system', 'events', '--format', '{{.Type}} {{.Actor.ID}}'])).out).toBe('container abc\ncontainer abc\n');
    expect(JSON.parse((await words('events --format json')).out.split('\n')[0] ?? '')).toMatchObject({ Action: 'start' });
    daemon.on('GET /events', (_asked: Asked, response: ServerResponse) => refuse(response, 400, 'invalid filter'));
    expect(await words('events -f x=y')).toEqual({ code: 1, out: '', err: 'caravela: invalid filter\n' });
  });
});
