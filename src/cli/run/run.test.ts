import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../docker-api/framing.ts';
import type { ContainerCreateBody } from '../../docker-api/types.ts';
import { type Asked, FakeDaemon, HELD, refuse, run, type RunOptions } from '../testing.ts';

const ID = 'c'.repeat(64);
let daemon: FakeDaemon;
let scratch: string;
const cli = (argv: string[], options: RunOptions = {}) => run(['--host', `unix://${daemon.socket}`, ...argv], options);
const sent = (n = 0) => JSON.parse(daemon.asked.filter((a) => a.path === '/containers/create')[n]?.body ?? '{}') as ContainerCreateBody;

beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
  scratch = mkdtempSync(join(tmpdir(), 'caravela-run-'));
  daemon.on('POST /containers/create', { Id: ID, Warnings: [] });
  daemon.on(`POST /containers/${ID}/start`, undefined);
});
afterEach(async () => {
  await daemon.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** A container that writes when it is started, and then ends. */
function containerThat(writes: readonly (readonly ['stdout' | 'stderr', string])[], exitCode: number): void {
  let output: import('node:net').Socket | undefined;
  let waiting: ServerResponse | undefined;
  daemon.upgrades.set(`/containers/${ID}/attach`, (socket) => (output = socket));
  daemon.on(`POST /containers/${ID}/wait`, (_asked: Asked, response: ServerResponse) => {
    waiting = response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    return HELD;
  });
  daemon.on(`POST /containers/${ID}/start`, (_asked: Asked, response: ServerResponse) => {
    response.writeHead(204).end();
    for (const [stream, text] of writes) output?.write(encodeFrame(stream, Buffer.from(text)));
    output?.end();
    waiting?.end(JSON.stringify({ StatusCode: exitCode }));
  });
}

describe('run in the foreground', () => {
  it('gives output, apart, and the exit code', async () => {
    containerThat(
      [
        ['stdout', 'one\n'],
        ['stderr', 'two\n'],
        ['stdout', 'three\n'],
      ],
      42,
    );
    expect(await cli(['run', 'img', 'sh', '-c', 'exit 42'])).toEqual({ code: 42, out: 'one\nthree\n', err: 'two\n' });
    expect(daemon.lines).toEqual([
      'POST /containers/create',
      `POST /containers/${ID}/attach`,
      `POST /containers/${ID}/wait`,
      `POST /containers/${ID}/start`,
    ]);
    expect(daemon.asked[1]?.query).toEqual({ stream: '1', stdout: '1', stderr: '1', logs: '1' });
    expect(daemon.asked[2]?.query).toEqual({ condition: 'next-exit' });
    expect(sent()).toMatchObject({ Image: 'img', Cmd: ['sh', '-c', 'exit 42'], AttachStdout: true, HostConfig: { AutoRemove: false } });
  });

  it('waits for the removal with --rm', async () => {
    containerThat([], 0);
    expect(await cli(['run', '--rm', 'img'])).toEqual({ code: 0, out: '', err: '' });
    expect(daemon.asked[2]?.query).toEqual({ condition: 'removed' });
  });

  it.each([
    ['exec: "nope": executable file not found in $PATH', 127],
    ['stat /x: no such file or directory', 127],
    ['exec: "/etc/passwd": permission denied', 126],
    ['the node is out of something', 125],
  ])('ends as Docker does when the start fails: %s', async (message, code) => {
    containerThat([], 0);
    daemon.on(`POST /containers/${ID}/start`, (_asked: Asked, response: ServerResponse) => refuse(response, 500, message));
    daemon.on(`DELETE /containers/${ID}`, undefined);
    expect(await cli(['run', 'img'])).toEqual({ code, out: '', err: `caravela: ${message}\n` });
    expect(daemon.lines).not.toContain(`DELETE /containers/${ID}`);
    expect((await cli(['run', '--rm', 'img'])).code).toBe(code);
    expect(daemon.lines).toContain(`DELETE /containers/${ID}`);
  });

  it('says so when the daemon is lost in the middle', async () => {
    containerThat([], 0);
    daemon.on(`POST /containers/${ID}/wait`, (_asked: Asked, response: ServerResponse) => {
      response.writeHead(200).flushHeaders();
      setTimeout(() => response.destroy(), 50);
      return HELD;
    });
    const ran = await cli(['run', 'img']);
    expect(ran.code).toBe(125);
    expect(ran.err).toMatch(/^caravela: lost the daemon before cccccccccccc ended: it may run on/);
  });

  it('passes signals on', async () => {
    let waiting: ServerResponse | undefined;
    let send: (signal: NodeJS.Signals) => void = () => {};
    daemon.upgrades.set(`/containers/${ID}/attach`, (socket) => setTimeout(() => socket.end(), 200));
    daemon.on(`POST /containers/${ID}/wait`, (_asked: Asked, response: ServerResponse) => {
      (waiting = response.writeHead(200)).flushHeaders();
      return HELD;
    });
    daemon.on(`POST /containers/${ID}/start`, () => setTimeout(() => send('SIGTERM'), 20) && undefined);
    daemon.on(`POST /containers/${ID}/kill`, (asked: Asked) => {
      waiting?.end(JSON.stringify({ StatusCode: asked.query.signal === 'SIGTERM' ? 143 : 1 }));
    });
    expect((await cli(['run', 'img'], { signals: (sender) => (send = sender) })).code).toBe(143);
  });

  it('keeps warnings out of a stderr that nobody looks at', async () => {
    daemon.on('POST /containers/create', { Id: ID, Warnings: ['loopback only'] });
    containerThat([], 0);
    expect((await cli(['run', 'img'])).err).toBe('');
    expect((await cli(['run', 'img'], { tty: true })).err).toBe('warning: loopback only\n');
    expect((await cli(['run', '-d', 'img'])).err).toBe('warning: loopback only\n');
  });
});

describe('run -d', () => {
  it('prints the id', async () => {
    expect(await cli(['run', '-d', '--name', 'web', '--cidfile', join(scratch, 'cid'), 'img'])).toEqual({
      code: 0,
      out: `${ID}\n`,
      err: '',
    });
    expect(readFileSync(join(scratch, 'cid'), 'utf8')).toBe(ID);
    expect(daemon.asked[0]?.query).toEqual({ name: 'web' });
    const again = await cli(['run', '-d', '--cidfile', join(scratch, 'cid'), 'img']);
    expect([again.code, again.err]).toEqual([125, expect.stringContaining('cid exists')]);
  });

  it('places nothing whose id it could not write down, and leaves no file without an id', async () => {
    const gone = await cli(['run', '-d', '--cidfile', join(scratch, 'none/cid'), 'img']);
    expect([gone.code, gone.err]).toEqual([125, `caravela: cannot use ${join(scratch, 'none/cid')}: no such file\n`]);
    expect(daemon.lines).toEqual([]);
    daemon.on('POST /containers/create', (_asked: Asked, response: ServerResponse) => refuse(response, 503, 'no room'));
    expect((await cli(['run', '-d', '--cidfile', join(scratch, 'cid'), 'img'])).code).toBe(125);
    expect(existsSync(join(scratch, 'cid'))).toBe(false);
    expect((await cli(['run', '-d', '--env-file', scratch, 'img'])).err).toBe(`caravela: cannot use ${scratch}: it is a directory\n`);
  });

  it('is refused with the daemon’s words and 125', async () => {
    const message = 'no node has 64 CPUs and 256 MiB free: of 3 nodes 3 lack CPU';
    daemon.on('POST /containers/create', (_asked: Asked, response: ServerResponse) => refuse(response, 503, message, { placement: {} }));
    expect(await cli(['run', '-d', '--cpus', '64', '-m', '256', 'img'])).toEqual({ code: 125, out: '', err: `caravela: ${message}\n` });
    expect(await cli(['container', 'create', 'img'])).toEqual({ code: 125, out: '', err: `caravela: ${message}\n` });
  });

  it('sends what was said', async () => {
    writeFileSync(join(scratch, 'env'), '# c\nF=1\nG\n');
    const words =
      'run -d --cpus 1.5 -m 64m -e A=1 -e B -l x=y --entrypoint /bin/e -w /tmp -u 1:2 -h h --cpu-class high --policy spread --constraint arch==arm64 ' +
      '--constraint node!=a* --affinity container!=~x --restart on-failure:3 --network none --read-only --cap-add NET_ADMIN --cap-drop ALL --init --stop-signal INT --stop-timeout 3 --pids-limit 9';
    await cli([...words.split(' '), '--env-file', join(scratch, 'env'), 'img', '-e', 'C=3'], { env: { B: 'b', G: 'g' } });
    expect(sent()).toEqual({
      Image: 'img',
      AttachStdin: false,
      AttachStdout: false,
      AttachStderr: false,
      Tty: false,
      OpenStdin: false,
      StdinOnce: false,
      Env: ['F=1', 'G=g', 'A=1', 'B=b'],
      Cmd: ['-e', 'C=3'],
      Entrypoint: ['/bin/e'],
      Labels: { x: 'y' },
      Hostname: 'h',
      User: '1:2',
      WorkingDir: '/tmp',
      StopSignal: 'INT',
      StopTimeout: 3,
      HostConfig: {
        NetworkMode: 'none',
        RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
        AutoRemove: false,
        NanoCpus: 1.5e9,
        Memory: 64 * 2 ** 20,
        PidsLimit: 9,
        ReadonlyRootfs: true,
        CapAdd: ['NET_ADMIN'],
        CapDrop: ['ALL'],
        Init: true,
      },
      Caravela: { Class: 'high', Policy: 'spread', Constraints: ['arch==arm64', 'node!=a*'], Affinities: ['container!=~x'] },
    });
  });

  it('takes the ancestors’ words, before the image only', async () => {
    await cli(['run', '-d', '-cpus', '2', '-memory', '256', 'img', '-cpus', '3']);
    expect(sent()).toMatchObject({ HostConfig: { NanoCpus: 2e9, Memory: 256 * 2 ** 20 }, Cmd: ['-cpus', '3'] });
    await cli(['container', 'run', '-d', '-memory', '1g', 'img']);
    expect(sent(1)).toMatchObject({ HostConfig: { Memory: 2 ** 30 }, Cmd: null });
  });

  it.each([
    [
      ['-v', 'a:b'],
      /-v, --volume <mount>' argument 'a:b' is invalid. "a:b" is no volume: its path in the container does not begin with \//,
    ],
    [['--mount', 'type=bind,target=/x'], /a bind lacks source=/],
    [['--ulimit', 'nofile=3:2'], /the soft limit of "nofile=3:2" is above the hard one/],
    [['--no-healthcheck', '--health-cmd', 'true'], /--no-healthcheck takes the check away/],
    [['--security-opt', 'seccomp=/nonexistent'], /cannot use \/nonexistent: no such file/],
  ])('says why it can’t do %j', async (words, why) => {
    const ran = await cli(['run', ...words, 'img']);
    expect(ran.code).toBe(125);
    expect(ran.err).toMatch(why);
    expect(daemon.lines).toEqual([]);
  });

  it('does not both remove and restart', async () => {
    expect(await cli(['run', '-d', '--rm', '--restart', 'always', 'img'])).toMatchObject({ code: 125, out: '' });
  });
});
