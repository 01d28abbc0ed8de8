import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Asked, FakeDaemon, HELD, refuse, run, type RunOptions } from '../testing.ts';

const ID = 'c'.repeat(64);
let daemon: FakeDaemon;
let scratch: string;
const cli = (argv: string[], options: RunOptions = {}) => run(['--host', `unix://${daemon.socket}`, ...argv], options);

beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
  scratch = mkdtempSync(join(tmpdir(), 'caravela-pull-'));
  daemon.on('POST /containers/create', { Id: ID, Warnings: [] });
  daemon.on(`POST /containers/${ID}/start`, undefined);
});
afterEach(async () => {
  await daemon.close();
  rmSync(scratch, { recursive: true, force: true });
});

describe('images', () => {
  const progress = [
    { status: 'Pulling from library/busybox', id: 'latest' },
    { status: 'Downloading', id: 'aa', progressDetail: { current: 5, total: 10 } },
    { status: 'Pull complete', id: 'aa' },
    { status: 'Digest: sha256:1' },
  ];
  const pulls = (lines: readonly object[]) => (_asked: Asked, response: ServerResponse) => {
    response.end(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(''));
  };
  const PLAIN = 'latest: Pulling from library/busybox\naa: Pull complete\nDigest: sha256:1\n';

  it('are pulled where they are missing', async () => {
    let pulled = false;
    daemon.on('POST /containers/create', (_asked: Asked, response: ServerResponse) =>
      pulled ? { Id: ID, Warnings: [] } : refuse(response, 404, 'No such image: busybox:latest'),
    );
    daemon.on('POST /images/create', (asked: Asked, response: ServerResponse) => {
      pulled = true;
      return pulls(progress)(asked, response);
    });
    const ran = await cli(['run', '-d', 'busybox']);
    expect(ran).toEqual({ code: 0, out: `${ID}\n`, err: `busybox is not known here yet: pulling it\n${PLAIN}` });
    expect(daemon.asked[1]?.query).toEqual({ fromImage: 'busybox', tag: 'latest' });
    pulled = false;
    expect(await cli(['run', '-d', '--pull', 'never', 'busybox'])).toEqual({
      code: 125,
      out: '',
      err: 'caravela: No such image: busybox:latest\n',
    });
  });

  it('are pulled again where that is asked', async () => {
    daemon.on('POST /images/create', pulls(progress));
    expect((await cli(['run', '-d', '--pull', 'always', '-q', 'busybox'])).err).toBe('');
    expect(daemon.lines.slice(0, 2)).toEqual(['POST /images/create', 'POST /containers/create']);
  });

  it('pull shows steps as lines, bars only on a terminal, and errors as errors', async () => {
    daemon.on('POST /images/create', pulls(progress));
    expect(await cli(['pull', 'host:5000/a/b:1'])).toEqual({ code: 0, out: `${PLAIN}host:5000/a/b:1\n`, err: '' });
    expect(daemon.asked[0]?.query).toEqual({ fromImage: 'host:5000/a/b', tag: '1' });
    const tty = await cli(['pull', 'busybox'], { tty: true });
    expect(tty.out).toContain('[====================>                   ] 5B/10B');
    await cli(['pull', 'a:1@sha256:ff']);
    expect(daemon.asked[2]?.query).toEqual({ fromImage: 'a', tag: 'sha256:ff' });
    daemon.on('POST /images/create', pulls([...progress, { error: 'no', errorDetail: { message: 'registry x can’t be reached' } }]));
    expect(await cli(['pull', '-q', 'busybox'])).toEqual({ code: 1, out: '', err: 'caravela: registry x can’t be reached\n' });
    expect((await cli(['run', '-d', '--pull', 'always', '-q', 'busybox'])).code).toBe(125);
  });

  it('says so when the daemon is lost in the middle', async () => {
    daemon.on('POST /images/create', (_asked: Asked, response: ServerResponse) => {
      response.write('{"status":"Downloading"}\n');
      setTimeout(() => response.destroy(), 20);
      return HELD;
    });
    expect(await cli(['pull', '-q', 'busybox'])).toEqual({
      code: 1,
      out: '',
      err: 'caravela: lost the connection to the daemon (aborted): what was asked may or may not have been done\n',
    });
  });

  it('load sends the archive as it is', async () => {
    writeFileSync(join(scratch, 'x.tar'), 'archive');
    daemon.on('POST /images/load', (asked: Asked, response: ServerResponse) =>
      pulls([{ stream: `Loaded image: ${asked.body}\n` }])(asked, response),
    );
    expect(await cli(['load', '-i', join(scratch, 'x.tar')])).toEqual({ code: 0, out: 'Loaded image: archive\n', err: '' });
    expect((await cli(['load'], { stdin: 'from stdin' })).out).toBe('Loaded image: from stdin\n');
    expect((await cli(['load'], { tty: true })).err).toMatch(/your terminal: name a file with -i/);
    expect((await cli(['load', '-i', '/nonexistent.tar'])).err).toBe('caravela: cannot use /nonexistent.tar: no such file\n');
    expect((await cli(['load', '-i', scratch])).err).toBe(`caravela: cannot use ${scratch}: it is a directory\n`);
  });

  it('lists and removes', async () => {
    const image = {
      Id: `sha256:${'1'.repeat(64)}`,
      RepoTags: ['a/b:1', 'h:5000/c:2'],
      RepoDigests: ['a/b@sha256:d'],
      Created: 0,
      Size: 4_261_550,
      Containers: -1,
    };
    daemon.on('GET /images/json', [image, { ...image, RepoTags: null, RepoDigests: null }]);
    const { out } = await cli(['images', '--format', '{{.Repository}}|{{.Tag}}|{{.ID}}|{{.Size}}']);
    expect(out).toBe('a/b|1|111111111111|4.26MB\nh:5000/c|2|111111111111|4.26MB\n<none>|<none>|111111111111|4.26MB\n');
    await cli(['images', 'a/b']);
    expect(daemon.asked[1]?.query).toEqual({ filters: '{"reference":["a/b"]}' });
    daemon.on('DELETE /images/a/b:1', [{ Untagged: 'a/b:1' }, { Deleted: 'sha256:1' }]);
    expect((await cli(['rmi', 'a/b:1'])).out).toBe('Untagged: a/b:1\nDeleted: sha256:1\n');
  });
});
