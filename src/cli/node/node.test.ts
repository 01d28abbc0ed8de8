import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../testing.ts';
import { unitName, unitText } from './systemd.ts';

/**
 * A stand-in for the daemon's program: `init` writes down what it was told and sets the node up,
 * `run` serves what the client asks of a daemon, until it is asked to leave.
 */
const PROGRAM = `
import { createServer } from 'node:http';
import { mkdirSync, readFileSync, writeFileSync, rmSync } from 'node:fs';
const [verb, ...words] = process.argv.slice(2);
if (verb === 'init') {
  const document = JSON.parse(readFileSync(0, 'utf8'));
  if (document.bootstrap === '10.0.0.66') { console.error('caravela-daemon: nobody answers at 10.0.0.66:8001'); process.exit(1); }
  mkdirSync(document.dataDir, { recursive: true });
  writeFileSync(document.dataDir + '/told.json', JSON.stringify(document));
  writeFileSync(document.dataDir + '/node-id', 'n');
  console.log(JSON.stringify({ nodeId: 'n', name: document.name ?? 'host', instanceId: 'abcdef0123456789', [document.command === 'create' ? 'authority' : 'trustedOnFirstUse']: '5a5a', address: '10.0.0.1', port: document.port ?? 8001 }));
} else if (verb === 'address') {
  if (words.at(-1) === '10.0.0.66') { console.error('caravela-daemon: 10.0.0.66 is not an address of this host'); process.exit(1); }
  writeFileSync(words[1] + '/addresses', words.at(-1) + '\\n', { flag: 'a' });
} else if (verb === 'seek') {
  writeFileSync(words[1] + '/sought', words.slice(3).join(' '));
  if (words.includes('10.0.0.66')) console.log('no node was reached at 10.0.0.66:8001');
} else {
  const option = (name) => words[words.indexOf(name) + 1];
  if (option('--data-dir').endsWith('broken')) { console.error('one\\ntwo: disk is full'); process.exit(70); }
  const runDir = option('--run-dir');
  mkdirSync(runDir, { recursive: true });
  writeFileSync(runDir + '/daemon.pid', String(process.pid));
  const server = createServer((request, response) => {
    const path = request.url;
    if (path === '/_ping') response.end('OK');
    else if (path === '/caravela/v1/tokens') response.end(JSON.stringify({ token: 'crvl1.a.b' }));
    else if (path === '/caravela/v1/leave') response.writeHead(204).end(() => { rmSync(runDir, { recursive: true }); process.exit(0); });
    else response.writeHead(404).end('{"message":"no"}');
  });
  server.listen(runDir + '/caravela.sock');
  setTimeout(() => process.exit(0), 30000).unref();
}
`;

let scratch: string;
const at = (name: string) => join(scratch, name);
const cli = (argv: string[], env: Record<string, string> = {}) =>
  run([...argv, '--data-dir', at('data'), '--run-dir', at('run')], { env, installation: { daemonEntry: at('daemon.mjs') } });
const addresses = () => (existsSync(at('data/addresses')) ? readFileSync(at('data/addresses'), 'utf8').trim().split('\n') : []);
const told = () => JSON.parse(readFileSync(at('data/told.json'), 'utf8')) as Record<string, unknown>;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'caravela-node-'));
  writeFileSync(at('daemon.mjs'), PROGRAM);
});
afterEach(async () => {
  if (existsSync(at('run/caravela.sock'))) await cli(['leave', '--force']);
  rmSync(scratch, { recursive: true, force: true });
});

describe('create', () => {
  it('sets the node up, starts it, says how others join; daemon and leave go on from there', async () => {
    const made = await cli(
      'create 10.0.0.1 --name n1 --label zone=x --class high --port 9001 --reserve-cpus 0.5 --reserve-memory 256m --overcommit 1.5 --insecure-registry r:5000'.split(
        ' ',
      ),
    );
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out).toContain('n1 is up: the first node of instance abcdef012345, at 10.0.0.1.\n');
    expect(made.out).toContain('  caravela join 10.0.0.1:9001 --token crvl1.a.b\n');
    expect(made.out).toContain('these must be open: 9001/tcp, 8000/udp, 4789/udp, 2380/tcp.');
    expect(told()).toEqual({
      command: 'create',
      machineIp: '10.0.0.1',
      dataDir: at('data'),
      runDir: at('run'),
      name: 'n1',
      labels: { zone: 'x' },
      class: 'high',
      port: 9001,
      reserveCpus: '0.5',
      reserveMemory: '256m',
      overcommit: 1.5,
      insecureRegistries: ['r:5000'],
    });
    expect(await cli(['daemon'])).toMatchObject({ code: 1, err: expect.stringContaining('a daemon runs already') as string });
    expect(await cli(['exit'])).toEqual({ code: 0, out: 'this machine has left its instance\n', err: '' });
    expect(await cli(['daemon'])).toEqual({ code: 0, out: 'the node is up\n', err: '' });
    expect(addresses()).toEqual([]);
    await cli(['leave']);
    expect(await cli(['daemon', '--advertise', '10.0.0.9'])).toMatchObject({ code: 0, err: '' });
    expect(addresses()).toEqual(['10.0.0.9']);
    await cli(['leave']);
    expect(await cli(['daemon', '--advertise', '10.0.0.66'])).toEqual({
      code: 1,
      out: '',
      err: 'caravela: 10.0.0.66 is not an address of this host\n',
    });
    expect((await cli(['daemon', '--name', 'x', '--reserve-cpus', '1'])).err).toMatch(
      /^warning: --name, --reserve-cpus: what this node is was said when it was made/,
    );
  });

  it('of an open instance needs no token, and says what that means', async () => {
    const { out } = await cli(['create', '--open']);
    expect(out).toContain('  caravela join 10.0.0.1\n');
    expect(out).toContain('THIS INSTANCE IS OPEN');
    expect(out).toMatch(/which authority it believed. Ours is, SHA-256:\n {2}5a5a\n/);
    expect(told()).toEqual({ command: 'create', dataDir: at('data'), runDir: at('run'), labels: {}, open: true });
  });

  it('shows the end of the log where the daemon does not start', async () => {
    const made = await run(['create', '--data-dir', at('broken'), '--run-dir', at('run')], {
      installation: { daemonEntry: at('daemon.mjs') },
    });
    expect(made).toMatchObject({ code: 1, out: '' });
    expect(made.err).toMatch(/its daemon did not start \(.*broken\/daemon\.log\).*`caravela daemon`\none\ntwo: disk is full\n$/);
  });

  it('refuses what is no address, no port, no size', async () => {
    expect((await cli(['create', 'busybox'])).err).toMatch(/"busybox" is not an IP address.*caravela container create/);
    expect((await cli(['create', '--port', '0'])).err).toMatch(/"0" is not a whole number from 1 to 65535/);
    expect((await cli(['create', '--reserve-memory', 'x'])).err).toMatch(/"x" is not a size/);
    expect((await cli(['create', '--class', 'middle'])).err).toMatch(/Allowed choices are low, high/);
  });
});

describe('join', () => {
  it('hands token and addresses on', async () => {
    expect((await cli(['join', '10.0.0.2', '10.0.0.1:9001', '--token', 't'])).out).toMatch(
      /host is up and belongs to instance abcdef012345/,
    );
    expect(told()).toMatchObject({ command: 'join', machineIp: '10.0.0.2', bootstrap: '10.0.0.1:9001', token: 't' });
  });

  it('without a token says loudly whom it believed, and where to compare', async () => {
    const { out } = await cli(['join', '10.0.0.1']);
    expect(out).toMatch(/JOINED WITHOUT A TOKEN: .*SHA-256:\n {2}5a5a\n.*first node.*`caravela leave`/s);
  });

  it('takes the token from the environment, and finds its own address', async () => {
    await cli(['join', '10.0.0.1'], { CARAVELA_TOKEN: 'secret' });
    expect(told()).toEqual({ command: 'join', bootstrap: '10.0.0.1', token: 'secret', labels: {}, dataDir: at('data'), runDir: at('run') });
  });

  it('fails with the words of who set it up', async () => {
    expect(await cli(['join', '10.0.0.66'])).toEqual({ code: 1, out: '', err: 'caravela: nobody answers at 10.0.0.66:8001\n' });
    expect((await cli(['join', 'a', '10.0.0.1'])).err).toMatch(/"a" is not an IP address of this machine/);
    expect((await cli(['join', '1', '2', '3'])).err).toMatch(/got 3 addresses/);
  });
});

describe('daemon', () => {
  it('without a node says how to make one', async () => {
    expect((await cli(['daemon'])).err).toMatch(/there is no node in .*data: make an instance with `caravela create`, or join one/);
  });

  it('--seeds creates where the only seed is this machine, else joins the first that answers', async () => {
    expect(await cli(['daemon', '--seeds', '127.0.0.1'])).toMatchObject({ code: 0 });
    expect(told()).toMatchObject({ command: 'create', machineIp: '127.0.0.1' });
    await cli(['leave']);
    rmSync(at('data'), { recursive: true });
    expect(await cli(['daemon', '--seeds', '127.0.0.1,10.0.0.66,10.0.0.9', '--token', 't'])).toMatchObject({ code: 0 });
    expect(told()).toMatchObject({ command: 'join', machineIp: '127.0.0.1', bootstrap: '10.0.0.9', token: 't' });
  });

  it('--seeds tells a node that is made where others are now, and goes on where none answers', async () => {
    await cli(['create', '127.0.0.1']);
    process.kill(Number(readFileSync(at('run/daemon.pid'), 'utf8')), 'SIGKILL');
    rmSync(at('run/caravela.sock'));
    const again = await cli(['daemon', '--seeds', '127.0.0.1,10.0.0.66,10.0.0.9:9001']);
    expect(again).toEqual({ code: 0, out: 'the node is up\n', err: 'warning: no node was reached at 10.0.0.66:8001\n' });
    expect(readFileSync(at('data/sought'), 'utf8')).toBe('10.0.0.66 10.0.0.9:9001');
  });

  it('--seeds fails where none answers', async () => {
    expect((await cli(['daemon', '--seeds', '10.0.0.66'])).err).toBe('caravela: 10.0.0.66: nobody answers at 10.0.0.66:8001\n');
  });
});

describe('the systemd unit', () => {
  it('runs the daemon and spares the containers', () => {
    const text = unitText(['/opt/no de', '/d.mjs', 'run', '--data-dir', '/var/lib/100%$x']);
    expect(text).toContain('ExecStart="/opt/no de" "/d.mjs" "run" "--data-dir" "/var/lib/100%%$$x"\n');
    for (const line of ['KillMode=process', 'Delegate=yes', 'Restart=on-failure', 'StartLimitIntervalSec=0', 'WantedBy=multi-user.target'])
      expect(text).toContain(`\n${line}\n`);
    expect([unitName('/var/lib/caravela'), unitName('/srv/b')]).toEqual(['caravela.service', 'caravela-srv-b.service']);
  });
});
