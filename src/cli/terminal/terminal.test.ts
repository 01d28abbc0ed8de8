/** The program itself on a pseudo-terminal, made by script(1): what a shell finds after it. */
import { spawn } from 'node:child_process';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Asked, FakeDaemon, HELD } from '../testing.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'bin', 'caravela.ts');
const ID = 'c'.repeat(64);
let daemon: FakeDaemon;
let attached: Socket[];
let waiting: ServerResponse | undefined;

beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
  attached = [];
  daemon.on('POST /containers/create', { Id: ID, Warnings: [] });
  daemon.on(`POST /containers/${ID}/resize`, undefined);
  daemon.on(`POST /containers/${ID}/start`, undefined);
  daemon.upgrades.set(`/containers/${ID}/attach`, (socket) => attached.push(socket));
  daemon.on(`POST /containers/${ID}/wait`, (_asked: Asked, response: ServerResponse) => {
    waiting = response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    return HELD;
  });
});
afterEach(async () => daemon.close());

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A shell on a terminal of 33 × 111 that runs `caravela run -it` and then says how the terminal is. */
function onTerminal() {
  const run = `${process.execPath} ${PROGRAM} --host unix://${daemon.socket} run -it img`;
  const script = `stty rows 33 cols 111; ${run}; echo "code $?"; stty -a`;
  const child = spawn('script', ['-qec', `sh -c '${script}'`, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let shown = '';
  child.stdout.on('data', (data: Buffer) => (shown += data.toString()));
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  return { type: (text: string) => child.stdin.write(text), shown: () => shown, ended };
}

/** Words of `code N` and stty's. */
const settings = (shown: string): readonly string[] => shown.slice(shown.lastIndexOf('code ')).split(/[\s;]+/);
const USUAL = ['echo', 'icanon', 'isig', 'icrnl', 'opost', 'onlcr'];

describe('run -it on a terminal', () => {
  it('passes keys as they are, shows output as it is, and gives the terminal back', async () => {
    const t = onTerminal();
    await until(() => daemon.lines.includes(`POST /containers/${ID}/resize`));
    expect(daemon.asked.find((asked) => asked.path.endsWith('/resize'))?.query).toEqual({ h: '33', w: '111' });
    const socket = attached[0] as Socket;
    let typed = '';
    socket.on('data', (data: Buffer) => (typed += data.toString()));
    t.type('x\r\x03\x04');
    await until(() => typed.length === 4);
    expect(typed).toBe('x\r\x03\x04');
    socket.write('one\r\ntwo\nthree');
    await until(() => t.shown().includes('three'));
    expect(t.shown()).toBe('one\r\ntwo\nthree');
    socket.end();
    waiting?.end(JSON.stringify({ StatusCode: 5 }));
    await t.ended;
    expect(settings(t.shown())).toEqual(expect.arrayContaining(['5', ...USUAL]));
  });

  it.each([
    ['the daemon is lost', () => attached[0]?.destroy() && waiting?.destroy(), '125'],
    ['a key sequence leaves it', (type: (text: string) => void) => type('\x10\x11'), '0'],
  ] as const)('gives it back when %s', async (_, happen, code) => {
    const t = onTerminal();
    await until(() => daemon.lines.includes(`POST /containers/${ID}/resize`));
    happen(t.type);
    await t.ended;
    expect(settings(t.shown())).toEqual(expect.arrayContaining([code, ...USUAL]));
  });

  it.each([
    ['SIGTERM', '143'],
    ['SIGHUP', '129'],
    ['SIGINT', '130'],
  ] as const)('gives it back at %s', async (signal, code) => {
    const t = onTerminal();
    await until(() => daemon.lines.includes(`POST /containers/${ID}/resize`));
    process.kill(pidOf(daemon.socket), signal);
    await t.ended;
    expect(settings(t.shown())).toEqual(expect.arrayContaining([code, ...USUAL]));
  });
});

/** The program's process: the one Node that has this socket on its command line. */
function pidOf(socket: string): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const [program = '', ...words] = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      if (program === process.execPath && words.includes(`unix://${socket}`)) return Number(name);
    } catch {
      // It has ended.
    }
  }
  throw new Error('the program does not run');
}
