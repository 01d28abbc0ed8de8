/** Docker's own client, as Debian ships it, against an instance of three nodes: any of them answers for all. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debianDockerCli } from '../lab/docker-cli.ts';
import { type LabInstance, startInstance } from '../lab/instance.ts';
import { must, type Outcome, shell, until } from '../lab/shell.ts';

const DIR = '/tmp/crvbdoc';

let instance: LabInstance;
let cli: string;
beforeAll(async () => {
  cli = await debianDockerCli();
  instance = await startInstance({ name: 'crvbdoc', hosts: 3, dir: DIR, subnet: '10.79.7' });
  mkdirSync(join(DIR, 'home'));
});
afterAll(async () => {
  await instance?.down();
});

/** The client's environment: the node it asks, and a home without anyone's configuration. */
const env = (n: number) => ({ DOCKER_HOST: `unix://${instance.lab.host(n).socket}`, HOME: join(DIR, 'home') });
const docker = (n: number, ...args: readonly string[]): Promise<Outcome> => shell([cli, ...args], { env: env(n) });
const ok = (n: number, ...args: readonly string[]): Promise<string> => must([cli, ...args], { env: env(n) });

/** `docker run` on no network: networks have tests of their own. */
const run = (n: number, ...args: readonly string[]) => docker(n, 'run', '--network', 'none', ...args);
const runOk = (n: number, ...args: readonly string[]) => ok(n, 'run', '--network', 'none', ...args);

describe('docker version and info', () => {
  test('show the server and every node', async () => {
    const version = await ok(1, 'version');
    const server = version.slice(version.indexOf('Server: Caravela'));
    expect(server).toMatch(/ Version: +\d+\.\d+\.\d+\n/);
    expect(server).toMatch(/ API version: +1\.47 \(minimum version 1\.24\)\n/);
    expect(server).toMatch(/ OS\/Arch: +linux\/(amd64|arm64)\n/);
    expect(await ok(2, 'version', '--format', '{{.Client.APIVersion}}')).toBe('1.41');

    const info = await ok(3, 'info');
    expect(info).toContain('\n Nodes: 3\n');
    for (const host of instance.lab.hosts) expect(info).toContain(`\n  ${host.name}: ${host.ip}:8001\n`);
    expect(await ok(3, 'info', '--format', '{{.Name}}')).toBe('host3');
  });
});

describe('docker pull, images and load', () => {
  test('show what was pulled or loaded, on every node', async () => {
    const pulled = await ok(1, 'pull', instance.image);
    expect(pulled.split('\n').filter((line) => line === '1: Pulling from busybox')).toHaveLength(1);
    expect(pulled).toMatch(/Digest: sha256:[0-9a-f]{64}\nStatus: Downloaded newer image for .*\n/);
    expect(await ok(1, 'pull', instance.image)).toContain('Status: Image is up to date');

    const archive = join(DIR, 'loaded.tar');
    await must([process.execPath, 'scripts/make-image.ts', '--output', archive, '--format', 'docker', '--tag', 'loaded:2']);
    expect(await ok(2, 'load', '-i', archive)).toBe('Loaded image: loaded:2');
    const names = await ok(3, 'images', '--format', '{{.Repository}}:{{.Tag}}');
    expect(names.split('\n').toSorted()).toEqual([instance.image, 'loaded:2'].toSorted());
    expect(await runOk(3, '--rm', 'loaded:2', 'echo', 'from the archive')).toBe('from the archive');
    expect(await ok(1, 'image', 'inspect', '--format', '{{.Os}} {{index .Config.Cmd 0}}', 'loaded:2')).toBe('linux sh');
  });

  test('say why an image does not come', async () => {
    const missing = `${instance.lab.bridgeIp}:5000/nothing:9`;
    const pull = await docker(1, 'pull', missing);
    expect([pull.code, pull.stderr]).toEqual([1, expect.stringContaining(`manifest for ${missing} not found`)]);
    const outcome = await run(1, '-d', missing);
    expect([outcome.code, outcome.stderr]).toEqual([125, expect.stringContaining('nothing:9')]);
  });
});

describe('a container', () => {
  test('lives its life from three clients', async () => {
    const id = await runOk(
      1,
      '-d',
      '--name',
      'web',
      '--label',
      'a=b',
      instance.image,
      'sh',
      '-c',
      'echo out; echo err >&2; exec sleep 1000',
    );
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await ok(2, 'ps', '--format', '{{.Names}} {{.Image}} {{.State}} {{.Command}}')).toMatch(/^web \S+busybox:1 running "sh -c /);
    expect(await ok(3, 'ps', '--filter', 'name=we', '--filter', 'label=a=b', '-q', '--no-trunc')).toBe(id);
    expect(await ok(3, 'ps', '--filter', 'label=a=c', '-q')).toBe('');
    const format = '{{.Node.Name}} {{.Name}} {{.State.Status}} {{.State.Running}} {{.Config.Image}}';
    expect(await ok(2, 'inspect', '--format', format, id.slice(0, 12))).toMatch(
      new RegExp(`^host[123] /web running true ${instance.image}$`),
    );

    const logs = await until('both lines of its log', async () => {
      const outcome = await docker(3, 'logs', 'web');
      return outcome.stdout !== '' && outcome.stderr !== '' && outcome;
    });
    expect(logs).toEqual({ code: 0, stdout: 'out\n', stderr: 'err\n' });
    expect((await docker(2, 'logs', '-t', 'web')).stdout).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z out\n$/);

    expect(await ok(2, 'stop', '-t', '1', 'web')).toBe('web');
    expect(await ok(1, 'ps', '-q')).toBe('');
    expect(await ok(1, 'ps', '-a', '--format', '{{.Status}}')).toMatch(/^Exited \(137\) .* ago$/);
    expect(await ok(1, 'wait', 'web')).toBe('137');
    expect(await ok(3, 'start', 'web')).toBe('web');
    const refused = await docker(1, 'rm', 'web');
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining('Error response from daemon: cannot remove container "/web"'),
    ]);
    const waiting = ok(2, 'wait', 'web');
    expect(await ok(3, 'kill', '--signal', 'KILL', 'web')).toBe('web');
    expect(await waiting).toBe('137');
    expect(await ok(1, 'rm', 'web')).toBe('web');
    expect(await ok(2, 'ps', '-aq')).toBe('');
  });

  test('shows the end of its log, and what it writes, to who follows', async () => {
    await runOk(1, '-d', '--name', 'count', instance.image, 'sh', '-c', 'for i in 1 2 3 4 5; do echo $i; sleep 0.2; done');
    expect(await docker(2, 'logs', '-f', 'count')).toEqual({ code: 0, stdout: '1\n2\n3\n4\n5\n', stderr: '' });
    expect(await ok(3, 'logs', '--tail', '2', 'count')).toBe('4\n5');
    expect(await ok(3, 'rm', '-f', 'count')).toBe('count');
  });

  test('in the foreground gives its output and its exit code', async () => {
    expect(await run(2, '--rm', instance.image, 'sh', '-c', 'echo to stdout; echo to stderr >&2; exit 42')).toEqual({
      code: 42,
      stdout: 'to stdout\n',
      stderr: 'to stderr\n',
    });
    expect(await run(1, '--rm', instance.image, 'true')).toEqual({ code: 0, stdout: '', stderr: '' });
    const absent = await run(3, '--rm', instance.image, 'no-such-program');
    expect([absent.code, absent.stderr]).toEqual([127, expect.stringContaining('executable file not found in $PATH')]);
    const closed = await run(3, '--rm', instance.image, '/etc/passwd');
    expect([closed.code, closed.stderr]).toEqual([126, expect.stringContaining('permission denied')]);
    await until('what --rm left to be gone', async () => (await ok(1, 'ps', '-aq')) === '');
  });

  test('run in the foreground is ended by the signals its client gets', async () => {
    const words = [
      'run',
      '--network',
      'none',
      '--name',
      'signalled',
      instance.image,
      'sh',
      '-c',
      'trap "exit 7" TERM; echo up; while :; do sleep 0.1; done',
    ];
    const client = spawn(cli, words, { env: { ...process.env, ...env(2) }, stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = new Promise<number | null>((resolve) => client.once('exit', resolve));
    await new Promise((resolve) => client.stdout.once('data', resolve));
    client.kill('SIGTERM');
    expect(await ended).toBe(7);
    expect(await ok(1, 'inspect', '--format', '{{.State.ExitCode}}', 'signalled')).toBe('7');
    await ok(3, 'rm', 'signalled');
  });

  test('made by create is started attached, restarted and removed', async () => {
    const id = await ok(1, 'create', '--network', 'none', '--name', 'made', instance.image, 'sh', '-c', 'echo hello; exit 3');
    expect(await ok(2, 'ps', '-a', '--filter', 'status=created', '-q', '--no-trunc')).toBe(id);
    expect(await docker(3, 'start', '-a', 'made')).toEqual({ code: 3, stdout: 'hello\n', stderr: '' });
    expect(await ok(2, 'restart', '-t', '0', 'made')).toBe('made');
    await until('its second run', async () => (await ok(1, 'logs', 'made')) === 'hello\nhello');
    expect(await ok(1, 'rm', '-f', 'made')).toBe('made');
  });
});

describe('docker network', () => {
  test('makes networks, shows them and who is on them, and takes containers on and off', async () => {
    const id = await ok(1, 'network', 'create', '--subnet', '10.92.0.0/24', '--label', 'a=b', '--opt', 'mtu=1400', 'blue');
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await ok(2, 'network', 'inspect', '--format', '{{.Id}} {{.Driver}} {{(index .IPAM.Config 0).Gateway}}', 'blue')).toBe(
      `${id} bridge 10.92.0.1`,
    );
    expect(await ok(1, 'network', 'ls', '--format', '{{.Name}} {{.Driver}} {{.Scope}}')).toBe(
      'blue bridge swarm\ncaravela caravela swarm\nhost host local\nnone null local',
    );
    expect(await ok(2, 'network', 'ls', '--filter', 'label=a=b', '--filter', 'type=custom', '--no-trunc', '-q')).toBe(id);
    const again = await docker(3, 'network', 'create', 'blue');
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('network with name blue already exists')]);

    const on = ['--network', 'blue', '--ip', '10.92.0.77', '--network-alias', 'sql', '-e', 'constraint:node==host3'];
    await ok(3, 'run', '-d', '--name', 'db', ...on, instance.tools, 'sleep', '1000');
    const ping = ['run', '--rm', '--network', 'blue', '-e', 'constraint:node==host1', instance.tools, 'ping', '-c', '1', '-W', '2'];
    expect(await ok(2, ...ping, 'sql')).toContain('10.92.0.77');
    expect(await ok(1, 'network', 'inspect', '--format', '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}', 'blue')).toBe(
      'db 10.92.0.77/24',
    );
    expect(await ok(2, 'ps', '--filter', 'network=blue', '--format', '{{.Names}} {{.Networks}}')).toBe('db blue');
    const used = await docker(1, 'network', 'rm', 'blue');
    expect([used.code, used.stderr]).toEqual([1, expect.stringContaining('has active endpoints')]);

    await ok(1, 'network', 'connect', '--alias', 'also', 'bridge', 'db');
    expect(await ok(2, 'inspect', '--format', '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}', 'db')).toBe(
      'blue caravela',
    );
    expect(await ok(2, 'run', '--rm', instance.tools, 'ping', '-c', '1', '-W', '2', 'also')).toContain(' 0% packet loss');
    await ok(3, 'network', 'disconnect', 'blue', 'db');
    expect(await ok(1, 'network', 'inspect', '--format', '{{len .Containers}}', 'blue')).toBe('0');
    expect(await ok(1, 'network', 'prune', '--force')).toContain('blue');
    const gone = await docker(1, 'run', '--rm', '--network', 'blue', instance.tools, 'true');
    expect([gone.code, gone.stderr]).toEqual([125, expect.stringMatching(/^docker: Error response from daemon: network blue not found/)]);
    const builtIn = await docker(1, 'network', 'rm', 'host');
    expect([builtIn.code, builtIn.stderr]).toEqual([1, expect.stringContaining('host is a pre-defined network and cannot be removed')]);
    await ok(1, 'rm', '-f', 'db');
  });

  test('shares a container’s network, and its host name; says what networks here do not have', async () => {
    await ok(1, 'run', '-d', '--name', 'main', '--hostname', 'ship', '-e', 'constraint:node==host2', instance.tools, 'sleep', '1000');
    const address = await ok(3, 'inspect', '--format', '{{.NetworkSettings.IPAddress}}', 'main');
    const beside = ['sh', '-c', 'hostname; getent hosts ship; hostname -i'];
    expect(await ok(3, 'run', '--rm', '--network', 'container:main', instance.tools, ...beside)).toMatch(
      new RegExp(`^ship\n${address} +ship\n${address}$`),
    );
    await ok(2, 'rm', '-f', 'main');
    for (const [words, why] of [
      [['--ipv6'], 'does not have IPv6'],
      [['--subnet', '10.93.0.0/24', '--ip-range', '10.93.0.0/28'], 'nodes lease blocks of all of it'],
      [['--driver', 'macvlan'], 'plugin "macvlan" not found'],
      [['--subnet', '198.18.0.0/24'], 'where nodes have their inner addresses'],
      [['--subnet', '10.210.4.0/24'], 'Pool overlaps with other one on this address space'],
    ] as const) {
      const refused = await docker(1, 'network', 'create', ...words, 'never');
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(why)]);
    }
    expect(await ok(1, 'network', 'ls', '-q', '--filter', 'name=never')).toBe('');
  });

  test('publishes ports, and shows them', async () => {
    await ok(1, 'run', '-d', '--name', 'shop', '-p', '18080:80', '-p', '18080-18083:81', '-p', '53/udp', instance.image, 'sleep', '1000');
    expect(await ok(2, 'port', 'shop', '80')).toContain('0.0.0.0:18080');
    // Of a range the first that is free.
    expect(await ok(2, 'port', 'shop', '81')).toContain('0.0.0.0:18081');
    expect(await ok(3, 'inspect', '-f', '{{(index (index .HostConfig.PortBindings "81/tcp") 0).HostPort}}', 'shop')).toBe('18080-18083');
    // The client shows them in no order.
    expect((await ok(3, 'port', 'shop')).split('\n').toSorted().join('\n')).toMatch(
      /^53\/udp -> 0\.0\.0\.0:\d+\n80\/tcp -> 0\.0\.0\.0:18080\n81\/tcp -> 0\.0\.0\.0:18081$/,
    );
    expect(await ok(2, 'ps', '--filter', 'publish=18080', '--format', '{{.Names}} {{.Ports}}')).toMatch(
      /^shop .*0\.0\.0\.0:18080->80\/tcp/,
    );
    const taken = await docker(1, 'run', '-d', '--name', 'late', '-p', '18080:80', instance.image, 'sleep', '1');
    expect([taken.code, taken.stderr]).toEqual([125, expect.stringContaining('18080')]);
    // As with Docker it is there, and could be started once the other is gone.
    expect(await ok(2, 'inspect', '-f', '{{.State.Status}}', 'late')).toBe('created');
    await ok(1, 'rm', 'late');
    expect((await docker(1, 'run', '--rm', '-p', '18080:80', instance.image, 'true')).code).toBe(125);
    const hosted = await docker(1, 'run', '--rm', '--network', 'host', '-p', '80:80', instance.image, 'true');
    expect([hosted.code, hosted.stderr]).toEqual([
      0,
      expect.stringContaining('Published ports are discarded when using host network mode'),
    ]);
    await ok(1, 'rm', '-f', 'shop');
  });
});

describe('what is not here', () => {
  test('is refused with a reason', async () => {
    const room = await run(1, '--cpus', '64', instance.image, 'true');
    expect([room.code, room.stderr]).toEqual([125, expect.stringContaining('no node has 64 CPUs')]);
    expect(await ok(1, 'ps', '-aq')).toBe('');
  });

  test('is told by lists that are empty', async () => {
    expect(await ok(2, 'volume', 'ls', '-q')).toBe('');
  });

  // Docker's client has two forms of its own: the shorter where it knows the answer's meaning by its status.
  test.each([
    [['wait', 'nope'], 'Error response from daemon: No such container: nope'],
    [['stop', 'nope'], 'Error response from daemon: No such container: nope'],
    [['kill', 'nope'], 'Error response from daemon: No such container: nope'],
    [['start', 'nope'], 'Error response from daemon: No such container: nope'],
    [['logs', 'nope'], 'Error: No such container: nope'],
    [['rm', 'nope'], 'Error: No such container: nope'],
    [['exec', 'nope', 'ls'], 'Error: No such container: nope'],
    [['inspect', 'nope'], 'Error: No such object: nope'],
    [['image', 'inspect', 'nope'], 'Error: No such image: nope'],
    [['network', 'inspect', 'nope'], 'Error: No such network: nope'],
    [['volume', 'inspect', 'nope'], 'Error: No such volume: nope'],
  ])('docker %j says it as Docker does', async (words, message) => {
    const outcome = await docker(2, ...words);
    expect([outcome.code, outcome.stderr.split('\n')[0]]).toEqual([1, message]);
  });
});
