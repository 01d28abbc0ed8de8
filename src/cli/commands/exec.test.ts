import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../docker-api/framing.ts';
import { type Asked, FakeDaemon, FakeTerminal, refuse, run, type RunOptions } from '../testing.ts';

let daemon: FakeDaemon;
const cli = (argv: string[], options: RunOptions = {}) => run(['--host', `unix://${daemon.socket}`, ...argv], options);
const bodyOf = (path: string): unknown => JSON.parse(daemon.asked.find((asked) => asked.path === path)?.body ?? 'null');

beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
  daemon.on('POST /containers/web/exec', { Id: 'e1' }).on('POST /exec/e1/resize', undefined);
});
afterEach(async () => daemon.close());

/** The process that is started writes, and ends. */
function processIs(program: (socket: Socket) => unknown, exitCode: number): void {
  daemon.upgrades.set('/exec/e1/start', (socket) => void Promise.resolve(program(socket)).then(() => socket.end()));
  daemon.on('GET /exec/e1/json', { ID: 'e1', Running: false, ExitCode: exitCode });
}

describe('exec', () => {
  it('gives output, apart, and the exit code', async () => {
    processIs((socket) => {
      socket.write(encodeFrame('stdout', Buffer.from('one\n')));
      socket.write(encodeFrame('stderr', Buffer.from('two\n')));
    }, 42);
    writeFileSync(join(daemon.directory, 'env'), 'F=1\n');
    const words = [
      '-e',
      'A=1',
      '-e',
      'B',
      '--env-file',
      join(daemon.directory, 'env'),
      '-u',
      '1:2',
      '-w',
      '/tmp',
      '--privileged',
      'web',
      'sh',
      '-c',
      'exit 42',
    ];
    expect(await cli(['exec', ...words], { env: { B: 'b' } })).toEqual({ code: 42, out: 'one\n', err: 'two\n' });
    expect(bodyOf('/containers/web/exec')).toEqual({
      AttachStdin: false,
      AttachStdout: true,
      AttachStderr: true,
      Tty: false,
      Privileged: true,
      Env: ['F=1', 'A=1', 'B=b'],
      Cmd: ['sh', '-c', 'exit 42'],
      User: '1:2',
      WorkingDir: '/tmp',
    });
    expect(bodyOf('/exec/e1/start')).toEqual({ Detach: false, Tty: false });
  });

  it('passes input on, and its end', async () => {
    processIs(async (socket) => {
      let text = '';
      for await (const chunk of socket.iterator({ destroyOnReturn: false })) text += String(chunk);
      socket.write(encodeFrame('stdout', Buffer.from(text.toUpperCase())));
    }, 0);
    expect(await cli(['exec', '-i', 'web', 'tr'], { stdin: 'hello' })).toEqual({ code: 0, out: 'HELLO', err: '' });
  });

  it('is a terminal: raw, of our size, left by the detach keys', async () => {
    const terminal = new FakeTerminal();
    const stdin = new PassThrough();
    const typed = Promise.withResolvers<string>();
    processIs(async (socket) => {
      socket.write('$ ');
      socket.on('data', (chunk: Buffer) => typed.resolve(String(chunk)));
      while (!daemon.lines.includes('POST /exec/e1/resize')) await new Promise((resolve) => setTimeout(resolve, 2));
      stdin.write('ls\r\x10\x11');
      await new Promise<void>((resolve) => socket.once('close', () => resolve()));
    }, 0);
    const ran = await cli(['exec', '-it', 'web', 'sh'], { tty: true, terminal, stdin });
    expect(ran).toEqual({ code: 0, out: '$ ', err: '\ncaravela: detached; the process runs on\n' });
    expect(await typed.promise).toBe('ls\r');
    expect(terminal.raw).toEqual([true, false]);
    expect(bodyOf('/exec/e1/start')).toEqual({ Detach: false, Tty: true, ConsoleSize: [30, 100] });
    expect(daemon.asked.find(({ path }) => path === '/exec/e1/resize')?.query).toEqual({ h: '30', w: '100' });
    expect((await cli(['exec', '-it', 'web', 'sh'])).err).toBe('caravela: the input device is not a TTY: leave -t out\n');
  });

  it('leaves it to itself with -d', async () => {
    daemon.on('POST /exec/e1/start', undefined);
    expect(await cli(['exec', '-d', 'web', 'sleep', '9'])).toEqual({ code: 0, out: '', err: '' });
    expect(bodyOf('/exec/e1/start')).toEqual({ Detach: true, Tty: false });
    expect(daemon.lines).toEqual(['POST /containers/web/exec', 'POST /exec/e1/start']);
  });

  it('waits for the end of a process whose output ended before it', async () => {
    let looks = 0;
    processIs(() => undefined, 0);
    daemon.on('GET /exec/e1/json', () => ({ Running: ++looks < 3, ExitCode: looks < 3 ? null : 5 }));
    expect((await cli(['exec', 'web', 'x'])).code).toBe(5);
  });

  it.each([
    ['exec: "nope": executable file not found in $PATH', 127],
    ['exec: "/etc/passwd": permission denied', 126],
    ['container web is paused', 1],
  ])('ends as Docker does when it can’t be started: %s', async (message, code) => {
    daemon.on('POST /exec/e1/start', (_asked: Asked, response: ServerResponse) => refuse(response, 409, message));
    expect(await cli(['exec', '-d', 'web', 'x'])).toEqual({ code, out: '', err: `caravela: ${message}\n` });
  });

  it('says that there is no such container, or that it does not run', async () => {
    expect(await cli(['exec', 'none', 'x'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('no such thing: /containers/none/exec') as string,
    });
    expect(await cli(['container', 'exec', 'web'])).toMatchObject({
      code: 125,
      err: expect.stringContaining("missing required argument 'command'") as string,
    });
  });

  it('says so when the daemon is lost in the middle', async () => {
    processIs((socket) => {
      socket.write(encodeFrame('stdout', Buffer.from('half')).subarray(0, 10));
    }, 0);
    expect(await cli(['exec', 'web', 'x'])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/lost the connection to the daemon/) as string,
    });
  });
});
