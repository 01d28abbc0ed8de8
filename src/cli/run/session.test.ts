import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../docker-api/framing.ts';
import type { ContainerCreateBody } from '../../docker-api/types.ts';
import { type Asked, FakeDaemon, FakeTerminal, HELD, refuse, run, type RunOptions } from '../testing.ts';

const ID = 'c'.repeat(64);
let daemon: FakeDaemon;
const cli = (argv: string[], options: RunOptions = {}) => run(['--host', `unix://${daemon.socket}`, ...argv], options);
const sent = () => JSON.parse(daemon.asked.find((a) => a.path === '/containers/create')?.body ?? '{}') as ContainerCreateBody;
const queryOf = (verb: string) => daemon.asked.filter((a) => a.path === `/containers/${ID}/${verb}`).map((a) => a.query);

beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
  daemon.on('POST /containers/create', { Id: ID, Warnings: [] });
  daemon.on(`POST /containers/${ID}/resize`, undefined);
});
afterEach(async () => daemon.close());

/** A container whose process is `program`, given what is attached to it once it was started; it ends with that. */
function containerIs(program: (socket: Socket) => Promise<number>, running = false): void {
  const attached = Promise.withResolvers<Socket>();
  const waiting = Promise.withResolvers<ServerResponse>();
  const live = async (): Promise<void> => {
    const [socket, response] = await Promise.all([attached.promise, waiting.promise]);
    const code = await program(socket);
    socket.end();
    response.end(JSON.stringify({ StatusCode: code }));
  };
  daemon.upgrades.set(`/containers/${ID}/attach`, (socket) => attached.resolve(socket));
  daemon.on(`POST /containers/${ID}/wait`, (_asked: Asked, response: ServerResponse) => {
    waiting.resolve(response.writeHead(200, { 'content-type': 'application/json' }));
    response.flushHeaders();
    return HELD;
  });
  daemon.on(`POST /containers/${ID}/start`, () => void live());
  if (running) void live();
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function inputOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) text += String(chunk);
  return text;
}

describe('run -i', () => {
  it('passes input on, and its end', async () => {
    containerIs(async (socket) => {
      const text = await inputOf(socket);
      socket.write(encodeFrame('stdout', Buffer.from(text.toUpperCase())));
      socket.write(encodeFrame('stderr', Buffer.from('done\n')));
      return 7;
    });
    expect(await cli(['run', '-i', 'img', 'tr'], { stdin: 'hello\n' })).toEqual({ code: 7, out: 'HELLO\n', err: 'done\n' });
    expect(sent()).toMatchObject({ AttachStdin: true, OpenStdin: true, StdinOnce: true, Tty: false });
    expect(queryOf('attach')).toEqual([{ stream: '1', stdin: '1', stdout: '1', stderr: '1', logs: '1' }]);
  });

  it('ends with the container, whatever input is still to come', async () => {
    containerIs(async () => 0);
    const stdin = new PassThrough();
    expect((await cli(['run', '-i', 'img'], { stdin })).code).toBe(0);
    expect(stdin.listenerCount('data')).toBe(0);
  });

  it('in the background only keeps the input open', async () => {
    daemon.on(`POST /containers/${ID}/start`, undefined);
    await cli(['run', '-dit', 'img']);
    expect(sent()).toMatchObject({ AttachStdin: false, OpenStdin: true, StdinOnce: false, Tty: true });
  });

  it.each([
    [['-a', 'stdout'], { AttachStdin: false, AttachStdout: true, AttachStderr: false, OpenStdin: false }],
    [['-i', '-a', 'STDERR', '-a', 'stdin'], { AttachStdin: true, AttachStdout: false, AttachStderr: true, OpenStdin: true }],
  ])('attaches what is named: %j', async (words, body) => {
    containerIs(async () => 0);
    expect((await cli(['run', ...words, 'img'])).code).toBe(0);
    expect(sent()).toMatchObject(body);
  });

  it.each([
    [['-d', '-a', 'stdout'], 125, '-d leaves it alone'],
    [['-a', 'stdall'], 125, '"stdall" is none of stdin, stdout, stderr'],
    [['-it'], 1, 'the input device is not a TTY'],
    [['-it', '--detach-keys', 'ctrl-'], 125, '"ctrl-" is no detach key'],
    [['--sig-proxy=maybe'], 125, 'neither true nor false'],
  ])('refuses %j', async (words, code, why) => {
    const ran = await cli(['run', ...words, 'img']);
    expect([ran.code, ran.err]).toEqual([code, expect.stringContaining(why)]);
    expect(daemon.lines).toEqual([]);
  });
});

describe('run -it', () => {
  it('is the container’s terminal: raw, of the same size, and given back', async () => {
    const terminal = new FakeTerminal();
    containerIs(async (socket) => {
      await until(() => queryOf('resize').length === 1);
      terminal.current = { rows: 31, columns: 101 };
      for (const listener of terminal.listeners) listener();
      await until(() => queryOf('resize').length === 2);
      expect(terminal.raw).toEqual([true]);
      socket.write('raw \x1b[1m output\r\n');
      return 3;
    });
    const ran = await cli(['run', '-it', 'img'], { tty: true, stdin: new PassThrough(), terminal });
    expect(ran).toEqual({ code: 3, out: 'raw \x1b[1m output\r\n', err: '' });
    expect(queryOf('resize')).toEqual([
      { h: '30', w: '100' },
      { h: '31', w: '101' },
    ]);
    expect(terminal.raw).toEqual([true, false]);
    expect(terminal.listeners.size).toBe(0);
    expect(sent()).toMatchObject({ Tty: true, OpenStdin: true, StdinOnce: true, HostConfig: { ConsoleSize: [30, 100] } });
  });

  it('is left by the detach keys, which the container never sees', async () => {
    const terminal = new FakeTerminal();
    const stdin = new PassThrough();
    let typed = '';
    containerIs(async (socket) => {
      socket.on('data', (data: Buffer) => (typed += data.toString()));
      stdin.write('ls\n\x10');
      await until(() => typed !== '');
      stdin.write('\x11');
      await once(socket, 'end');
      return 0;
    });
    const ran = await cli(['run', '-it', 'img'], { tty: true, stdin, terminal });
    expect([ran.code, ran.out]).toEqual([0, '']);
    expect(ran.err).toContain('caravela: detached; cccccccccccc runs on');
    expect(typed).toBe('ls\n');
    expect(terminal.raw).toEqual([true, false]);
    expect(queryOf('kill')).toEqual([]);
  });

  it('says on a line of its own that the daemon was lost while keys were on their way, and what to do', async () => {
    const terminal = new FakeTerminal();
    const stdin = new PassThrough();
    containerIs(async (socket) => {
      socket.write('# ');
      // More than anybody has read when it breaks: the kernel then says that the connection was reset, not that it ended.
      stdin.write('x'.repeat(1_000_000));
      await until(() => socket.readableLength > 0);
      socket.destroy();
      return await new Promise<number>(() => undefined);
    });
    const ran = await cli(['run', '-it', 'img'], { tty: true, stdin, terminal });
    expect([ran.code, ran.out]).toEqual([125, '# ']);
    expect(ran.err).toMatch(
      /^\ncaravela: lost the daemon before cccccccccccc ended \(.*\): it may run on; see .*caravela attach cccccccccccc`\n$/,
    );
    expect(terminal.raw).toEqual([true, false]);
  });

  it('gives the terminal back when the start fails', async () => {
    const terminal = new FakeTerminal();
    containerIs(async () => 0);
    daemon.on(`POST /containers/${ID}/start`, (_asked: Asked, response: ServerResponse) =>
      refuse(response, 500, 'no such file or directory'),
    );
    expect((await cli(['run', '-it', 'img'], { tty: true, stdin: new PassThrough(), terminal })).code).toBe(127);
    expect(terminal.raw).toEqual([true, false]);
  });

  it('does not touch the terminal without -i', async () => {
    const terminal = new FakeTerminal();
    containerIs(async (socket) => {
      socket.write('out');
      return 0;
    });
    expect((await cli(['run', '-t', 'img'], { tty: true, terminal })).out).toBe('out');
    expect(terminal.raw).toEqual([]);
  });
});

describe('attach', () => {
  const inspect = (change: object = {}, state: object = {}) =>
    daemon
      .on('GET /containers/web/json', { Id: ID, State: { Running: true, ...state }, Config: { Tty: false, OpenStdin: true, ...change } })
      .on(`GET /containers/${ID}/json`, { Id: ID, State: { Running: true, ...state }, Config: {} });

  it('is at a running container until that ends, with its exit code', async () => {
    inspect();
    containerIs(async (socket) => {
      socket.write(encodeFrame('stdout', Buffer.from(await inputOf(socket))));
      return 9;
    }, true);
    expect(await cli(['attach', 'web'], { stdin: 'hi\n' })).toEqual({ code: 9, out: 'hi\n', err: '' });
    expect(queryOf('attach')).toEqual([{ stream: '1', stdin: '1', stdout: '1', stderr: '1' }]);
    expect(queryOf('wait')).toEqual([{ condition: 'not-running' }]);
  });

  it('makes a terminal draw itself anew', async () => {
    inspect({ Tty: true });
    const terminal = new FakeTerminal();
    containerIs(async () => {
      await until(() => queryOf('resize').length === 2);
      return 0;
    }, true);
    const words = ['attach', '--detach-keys', 'ctrl-x', 'web'];
    expect((await cli(words, { tty: true, stdin: new PassThrough(), terminal })).code).toBe(0);
    expect(queryOf('resize')).toEqual([
      { h: '31', w: '100' },
      { h: '30', w: '100' },
    ]);
    expect(queryOf('attach')[0]).toMatchObject({ detachKeys: 'ctrl-x' });
    expect(terminal.raw).toEqual([true, false]);
  });

  it.each([
    [['--no-stdin'], {}],
    [[], { OpenStdin: false }],
  ])('only looks with %j and %j', async (words, config) => {
    inspect(config);
    containerIs(async () => 0, true);
    expect((await cli(['attach', ...words, 'web'], { stdin: 'unread' })).code).toBe(0);
    expect(queryOf('attach')).toEqual([{ stream: '1', stdout: '1', stderr: '1' }]);
  });

  it('passes signals on unless told not to', async () => {
    inspect();
    let send: ((signal: NodeJS.Signals) => void) | undefined;
    daemon.on(`POST /containers/${ID}/kill`, undefined);
    containerIs(async () => {
      await until(() => send !== undefined);
      send?.('SIGUSR1');
      await until(() => queryOf('kill').length > 0);
      return 0;
    }, true);
    await cli(['attach', 'web'], { signals: (sender) => (send = sender) });
    expect(queryOf('kill')).toEqual([{ signal: 'SIGUSR1' }]);
    let asked = false;
    containerIs(async () => 0, true);
    await cli(['attach', '--sig-proxy=false', 'web'], { signals: () => (asked = true) });
    expect(asked).toBe(false);
  });

  it.each([
    [{ Running: false }, 'web does not run: `caravela start -ai web` starts it'],
    [{ Restarting: true }, 'web is restarting: wait until it runs'],
  ])('refuses where %j', async (state, why) => {
    inspect({}, state);
    const ran = await cli(['attach', 'web']);
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining(why)]);
  });

  it('ends where the container ended while it came', async () => {
    inspect();
    daemon.on(`GET /containers/${ID}/json`, { Id: ID, State: { Running: false }, Config: {} });
    daemon.on(`POST /containers/${ID}/wait`, { StatusCode: 4 });
    daemon.upgrades.set(`/containers/${ID}/attach`, () => undefined);
    expect((await cli(['attach', 'web'])).code).toBe(4);
  });
});

describe('start -a', () => {
  const inspect = (running: boolean) =>
    daemon.on('GET /containers/web/json', {
      Id: ID,
      State: { Running: running },
      Config: { Tty: false, OpenStdin: true },
      HostConfig: { AutoRemove: true },
    });

  it('shows what it writes and ends with its exit code; -i feeds it, too', async () => {
    inspect(false);
    containerIs(async (socket) => {
      socket.write(encodeFrame('stdout', Buffer.from(await inputOf(socket))));
      return 9;
    });
    expect(await cli(['start', '-ai', 'web'], { stdin: 'hi\n' })).toEqual({ code: 9, out: 'hi\n', err: '' });
    expect(queryOf('attach')).toEqual([{ stream: '1', stdin: '1', stdout: '1', stderr: '1' }]);
    expect(queryOf('wait')).toEqual([{ condition: 'removed' }]);
    containerIs(async () => 3);
    expect((await cli(['start', '-a', 'web'], { stdin: 'unread' })).code).toBe(3);
    expect(queryOf('attach')[1]).toEqual({ stream: '1', stdout: '1', stderr: '1' });
  });

  it('is for one container that does not run', async () => {
    expect((await cli(['start', '-a', 'web', 'db'])).err).toBe('caravela: -a and -i are for one container, got 2\n');
    inspect(true);
    expect((await cli(['start', '-a', 'web'])).err).toMatch(/^caravela: web runs already: `caravela attach web` is at/);
  });
});

describe('new', () => {
  it('is a shell on a subnet, gone when it ends', async () => {
    containerIs(async (socket) => {
      socket.write('# ');
      return 0;
    });
    const ran = await cli(['new', '-n', '10.0.0.0/24'], { tty: true, stdin: new PassThrough(), terminal: new FakeTerminal() });
    expect([ran.code, ran.out]).toEqual([0, '# ']);
    expect(sent()).toMatchObject({
      Image: 'docker.io/library/alpine',
      Cmd: null,
      Tty: true,
      OpenStdin: true,
      StdinOnce: true,
      HostConfig: { NetworkMode: '10.0.0.0/24', AutoRemove: true },
    });
  });

  it('takes an image, a command and what run takes; without a terminal it makes none', async () => {
    containerIs(async (socket) => Number((await inputOf(socket)).slice(5)));
    const words = ['new', '-n', 'lan', '-cpus', '2', '--name', 'x', 'busybox', 'sh', '-c', 'ip a'];
    expect((await cli(words, { stdin: 'exit 6\n' })).code).toBe(6);
    expect(sent()).toMatchObject({
      Image: 'busybox',
      Cmd: ['sh', '-c', 'ip a'],
      Tty: false,
      HostConfig: { NetworkMode: 'lan', NanoCpus: 2e9, AutoRemove: true },
    });
  });

  it('makes no terminal of what is none', async () => {
    const ran = await cli(['new', '-t', '-n', 'lan']);
    expect([ran.code, ran.err]).toEqual([1, 'caravela: the input device is not a TTY: leave -t out\n']);
    expect(daemon.lines).toEqual([]);
  });

  it('has its image by CARAVELA_NEW_IMAGE where that is set', async () => {
    containerIs(async () => 0);
    await cli(['new'], { env: { CARAVELA_NEW_IMAGE: 'tools:1' } });
    expect(sent()).toMatchObject({ Image: 'tools:1' });
  });
});
