/** Terminals and pipes to containers on other hosts, by our own client and by Docker's: what a user types, sees and is left with. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { debianDockerCli } from '../lab/docker-cli.ts';
import { type LabInstance, startInstance } from '../lab/instance.ts';
import { Pty } from '../lab/pty.ts';
import { shell, until } from '../lab/shell.ts';

const DIR = '/tmp/crvpty';
const DETACH = '\x10\x11';
const CTRL_C = '\x03';
const CTRL_D = '\x04';

let instance: LabInstance;
let cli: string;
const ptys: Pty[] = [];
beforeAll(async () => {
  cli = await debianDockerCli();
  instance = await startInstance({ name: 'crvpty', hosts: 3, dir: DIR, subnet: '10.79.31' });
  mkdirSync(join(DIR, 'home'));
});
afterEach(async () => {
  for (const pty of ptys.splice(0)) await pty.kill();
});
afterAll(async () => {
  await instance?.down();
});
const host = (n: number) => instance.lab.host(n);
const dockerEnv = (n: number) => ({ DOCKER_HOST: `unix://${host(n).socket}`, HOME: join(DIR, 'home') });
const docker = (n: number, words: readonly string[], input?: string) => shell([cli, ...words], { env: dockerEnv(n), input });
const onHost = (n: number) => ['--constraint', `node==host${n}`];

/** A command of ours, or Docker's, at a terminal of host n. */
function terminal(n: number, words: readonly string[], size = {}): Pty {
  const pty = new Pty(host(n).words(words), { env: host(n).env(), ...size });
  ptys.push(pty);
  return pty;
}
function dockerTerminal(n: number, words: readonly string[], size = {}): Pty {
  const pty = new Pty([cli, ...words], { env: dockerEnv(n), ...size });
  ptys.push(pty);
  return pty;
}

/** What the program in the container says about its window; told over the network, so it may come a little later. */
async function seesSize(pty: Pty, size: string): Promise<void> {
  await until(`stty size to say ${size}`, async () => {
    pty.type('echo "<$(stty size)>"\r');
    // Empty as long as it has no size at all.
    return (await pty.see(/<(\d+ \d+)?>\r\n/)).endsWith(`<${size}>\r\n`);
  });
}
/** Docker's client has a moment, after the first size has come through, in which it does not hear of another. */
async function resized(pty: Pty, rows: number, columns: number): Promise<void> {
  await until(`stty size to say ${rows} ${columns}`, async () => {
    await pty.resize(rows + 1, columns);
    await pty.resize(rows, columns);
    pty.type('echo "<$(stty size)>"\r');
    return (await pty.see(/<(\d+ \d+)?>\r\n/)).endsWith(`<${rows} ${columns}>\r\n`);
  });
}
const gone = (name: string) =>
  until(`${name} to be removed`, async () => (await host(1).ok(['ps', '-aq', '--filter', `name=^${name}$`])) === '');

describe('caravela new', () => {
  test('is a shell on a subnet, on another node: keys, window, signals, leaving, coming back, its exit code', async () => {
    const words = ['new', '-n', '10.93.0.0/24', ...onHost(2), '--name', 'shell', instance.image];
    const pty = terminal(1, words, { rows: 33, columns: 111 });
    await pty.see('/ # ');
    pty.type('echo he""llo $((6 * 7))\r');
    await pty.see('\r\nhello 42\r\n');
    pty.type('hostname -i\r');
    await pty.see(/\r\n10\.93\.0\.\d+\r\n/);
    await seesSize(pty, '33 111');
    // A program that draws is told, and asks.
    pty.type(`sh -c 'trap "stty size; exit" WINCH; echo it "draws"; while :; do sleep 0.1; done'\r`);
    await pty.see('\r\nit draws\r\n');
    await pty.resize(40, 120);
    await pty.see('40 120\r\n');
    await seesSize(pty, '40 120');

    pty.type('echo here it "is"; sleep 1000\r');
    await pty.see('\r\nhere it is\r\n');
    pty.type(CTRL_C);
    await pty.see('/ # ');
    pty.type('echo "<$?>"\r');
    await pty.see('<130>');

    pty.type(DETACH);
    expect(await pty.ended()).toBe(0);
    expect(pty.shown).toMatch(/detached; [0-9a-f]{12} runs on: `caravela attach [0-9a-f]{12}` comes back\r\n/);
    expect(await host(3).ok(['ps', '--format', '{{.Names}} {{.Node}}'])).toBe('shell host2');

    const back = terminal(3, ['attach', 'shell'], { rows: 20, columns: 70 });
    back.type('\r');
    await back.see('/ # ');
    await seesSize(back, '20 70');
    back.type('exit 7\r');
    expect(await back.ended()).toBe(7);
    await gone('shell');
  });

  test('ends where its input does, and is removed', async () => {
    const pty = terminal(3, ['new', '-n', '10.93.0.0/24', ...onHost(1), '--name', 'brief', instance.image]);
    await pty.see('/ # ');
    pty.type(CTRL_D);
    expect(await pty.ended()).toBe(0);
    await gone('brief');
  });

  test('has its size from its first instruction on', async () => {
    const words = ['new', '-n', '10.93.0.0/24', ...onHost(2), instance.image, 'stty', 'size'];
    const pty = terminal(1, words, { rows: 33, columns: 111 });
    expect(await pty.ended()).toBe(0);
    expect(pty.shown).toContain('\r\n33 111\r\n');
  });

  test('runs a command instead of a shell; two of one subnet meet', async () => {
    await host(2).ok(['run', '-d', '--name', 'peer', '--network', '10.93.0.0/24', ...onHost(2), instance.tools, 'sleep', '1000']);
    const pty = terminal(1, ['new', '-n', '10.93.0.0/24', ...onHost(3), instance.tools, 'ping', '-c', '1', '-W', '2', 'peer']);
    expect(await pty.ended()).toBe(0);
    expect(pty.shown).toContain(' 0% packet loss');
    await host(1).ok(['rm', '-f', 'peer']);
  });
});

describe('run -i', () => {
  test('is a part of a pipe, whatever node its program runs on', async () => {
    const words = ['run', '-i', '--rm', '--network', 'none', ...onHost(2), instance.image];
    expect(await host(1).caravela([...words, 'cat'], { input: 'hi\n' })).toEqual({ code: 0, stdout: 'hi\n', stderr: '' });
    const much = randomBytes(3_000_000);
    const sum = createHash('sha256').update(much).digest('hex');
    expect(await host(3).ok([...words, 'sha256sum'], { input: much })).toBe(`${sum}  -`);
    expect(await host(1).caravela([...words, 'sh', '-c', 'read line; echo "$line" >&2; exit 3'], { input: 'x\ny\n' })).toEqual({
      code: 3,
      stdout: '',
      stderr: 'x\n',
    });
  });

  test('needs a terminal for -t', async () => {
    const outcome = await host(1).caravela(['run', '-it', '--name', 'refused', instance.image, 'cat'], { input: 'hi\n' });
    expect([outcome.code, outcome.stderr]).toEqual([1, 'caravela: the input device is not a TTY: leave -t out\n']);
    expect(await host(1).ok(['ps', '-aq', '--filter', 'name=^refused$'])).toBe('');
  });

  test('-a shows only what is named', async () => {
    const words = ['run', '--rm', '--network', 'none', ...onHost(2), '-a', 'stdout', instance.image, 'sh', '-c', 'echo out; echo err >&2'];
    expect(await host(1).caravela(words)).toEqual({ code: 0, stdout: 'out\n', stderr: '' });
  });
});

describe('attach', () => {
  test('says what there is not to attach to', async () => {
    const id = await host(1).ok(['run', '-d', '--network', 'none', '--name', 'over', ...onHost(2), instance.image, 'true']);
    await host(1).ok(['wait', 'over']);
    expect(await host(3).caravela(['attach', 'over'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'caravela: over does not run: `caravela start -a over` starts it, `caravela logs over` shows its output\n',
    });
    const missing = await host(3).caravela(['attach', 'nobody']);
    expect([missing.code, missing.stderr]).toEqual([1, 'caravela: No such container: nobody\n']);
    const dockers = await docker(1, ['attach', 'over']);
    expect([dockers.code, dockers.stderr]).toEqual([1, 'You cannot attach to a stopped container, start it first\n']);
    await host(1).ok(['rm', id]);
  });

  test('several see and feed one', async () => {
    await host(1).ok(['run', '-dit', '--network', 'none', '--name', 'shared', ...onHost(2), instance.image, 'sh']);
    const [one, other] = [terminal(1, ['attach', 'shared']), terminal(3, ['attach', 'shared'])];
    for (const pty of [one, other]) {
      pty.type('\r');
      await pty.see('/ # ');
    }
    one.type('echo from""-one\r');
    await other.see('from-one');
    other.type('echo from""-other; exit 4\r');
    await one.see('from-other');
    expect(await one.ended()).toBe(4);
    expect(await other.ended()).toBe(4);
    await host(1).ok(['rm', 'shared']);
  });
});

describe('start -a', () => {
  test('is at what was left: its shell, its exit code', async () => {
    await host(1).ok(['run', '-dit', '--network', 'none', '--name', 'again', ...onHost(2), instance.image, 'sh']);
    await host(3).ok(['kill', 'again']);
    await host(3).ok(['wait', 'again']);
    const pty = terminal(1, ['start', '-ai', 'again']);
    await pty.see('/ # ');
    pty.type('exit 8\r');
    expect(await pty.ended()).toBe(8);
    await host(1).ok(['rm', 'again']);
  });
});

describe('a daemon that dies under a terminal', () => {
  async function whileDead<T>(n: number, work: () => Promise<T>): Promise<T> {
    await host(n).killDaemon();
    try {
      return await work();
    } finally {
      await host(n).startDaemon();
    }
  }

  test('of the asked node: it is said, the terminal is whole, the container runs on and is attached to elsewhere', async () => {
    const pty = terminal(1, ['new', '-n', '10.93.0.0/24', ...onHost(2), '--name', 'survivor', instance.image]);
    await pty.see('/ # ');
    pty.type('kept=yes; echo it "is"\r');
    await pty.see('it is\r\n');
    const back = await whileDead(1, async () => {
      expect(await pty.ended()).toBe(125);
      expect(pty.shown).toMatch(/\r\ncaravela: lost the daemon before [0-9a-f]{12} ended.*: it may run on; see `caravela ps`/);
      const attached = terminal(3, ['attach', 'survivor']);
      attached.type('echo "<$kept>"\r');
      await attached.see('<yes>');
      return attached;
    });
    back.type('exit 0\r');
    expect(await back.ended()).toBe(0);
    await gone('survivor');
  });

  test('of the node it runs on: the same, and it is attached to when the daemon is back', async () => {
    const pty = terminal(1, ['run', '-it', '--network', 'none', ...onHost(2), '--name', 'survivor', instance.image]);
    await pty.see('/ # ');
    pty.type('kept=yes; echo it "is"\r');
    await pty.see('it is\r\n');
    await whileDead(2, async () => {
      expect(await pty.ended()).toBe(125);
      expect(pty.shown).toMatch(/\r\ncaravela: lost the daemon before [0-9a-f]{12} ended/);
    });
    const back = terminal(3, ['attach', 'survivor']);
    back.type('echo "<$kept>"\r');
    await back.see('<yes>');
    back.type('exit 9\r');
    expect(await back.ended()).toBe(9);
    await host(1).ok(['rm', 'survivor']);
  });
});

describe('docker', () => {
  const elsewhere = (n: number) => ['-e', `constraint:node==host${n}`];

  test('run -it is a shell on another node, with its window; left and come back to', async () => {
    const words = ['run', '-it', '--name', 'dock', ...elsewhere(3), instance.image];
    const pty = dockerTerminal(1, words, { rows: 33, columns: 111 });
    await pty.see('/ # ');
    await seesSize(pty, '33 111');
    await resized(pty, 40, 120);
    pty.type('sleep 1000\r');
    await pty.see('sleep 1000\r\n');
    pty.type(CTRL_C);
    await pty.see('/ # ');
    pty.type(DETACH);
    expect(await pty.ended()).toBe(0);
    const back = dockerTerminal(2, ['attach', 'dock']);
    back.type('\r');
    await back.see('/ # ');
    back.type('exit 5\r');
    expect(await back.ended()).toBe(5);
    const again = dockerTerminal(2, ['start', '-ai', 'dock']);
    await again.see('/ # ');
    again.type('exit 6\r');
    expect(await again.ended()).toBe(6);
    await host(1).ok(['rm', 'dock']);
  });

  test('run -i is a part of a pipe, -a shows only what is named', async () => {
    const words = ['run', '--rm', '--network', 'none', ...elsewhere(3)];
    expect(await docker(2, [...words, '-i', instance.image, 'cat'], 'hi\n')).toEqual({ code: 0, stdout: 'hi\n', stderr: '' });
    const both = ['sh', '-c', 'echo out; echo err >&2; exit 2'];
    expect(await docker(1, [...words, '-a', 'stdout', instance.image, ...both])).toEqual({ code: 2, stdout: 'out\n', stderr: '' });
    expect(await docker(1, [...words, '-a', 'stderr', instance.image, ...both])).toEqual({ code: 2, stdout: '', stderr: 'err\n' });
  });
});
