/** The main job: run a container somewhere in an instance, from any node, by our own client. */
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabInstance, nodesSeenBy, startInstance } from '../lab/instance.ts';
import { must, until } from '../lab/shell.ts';

let instance: LabInstance;
beforeAll(async () => {
  instance = await startInstance({ name: 'crvmain', hosts: 3, dir: '/tmp/crvmain', subnet: '10.78.1' });
});
afterAll(async () => {
  await instance?.down();
});
const host = (n: number) => instance.lab.host(n);

async function inspect<T>(n: number, name: string): Promise<T> {
  const [first] = JSON.parse(await host(n).ok(['inspect', name])) as T[];
  return first as T;
}

describe('a container', () => {
  test('started from one node is seen, read, stopped and removed from the others', async () => {
    const id = await host(1).ok([
      'run',
      '-d',
      '--name',
      'web',
      '--cpus',
      '0.5',
      '--memory',
      '32',
      instance.image,
      'sh',
      '-c',
      'echo out; echo err >&2; exec sleep 1000',
    ]);
    expect(id).toMatch(/^[0-9a-f]{64}$/);

    for (const n of [1, 2, 3]) {
      const row = await host(n).ok(['ps', '--format', '{{.Names}} {{.Image}} {{.State}}']);
      expect(row).toBe(`web ${instance.image} running`);
    }
    const inspected = await inspect<{ State: { Pid: number }; Node: { Name: string }; HostConfig: { NanoCpus: number; Memory: number } }>(
      2,
      id.slice(0, 12),
    );
    expect(inspected.HostConfig.NanoCpus).toBe(500_000_000);
    expect(inspected.HostConfig.Memory).toBe(32 * 1024 * 1024);
    expect(inspected.State.Pid).toBeGreaterThan(1);
    expect(['host1', 'host2', 'host3']).toContain(inspected.Node.Name);

    const logs = await until('both lines of its log', async () => {
      const outcome = await host(3).caravela(['logs', 'web']);
      return outcome.stdout !== '' && outcome.stderr !== '' && outcome;
    });
    expect([logs.code, logs.stdout, logs.stderr]).toEqual([0, 'out\n', 'err\n']);

    expect(await host(2).ok(['stop', '-t', '1', 'web'])).toBe('web');
    expect(await host(3).ok(['ps', '-q'])).toBe('');
    expect(await host(3).ok(['ps', '-a', '--format', '{{.State}}'])).toBe('exited');
    expect(await host(3).ok(['start', 'web'])).toBe('web');
    expect(await host(1).ok(['ps', '-q', '--no-trunc'])).toBe(id);
    const refused = await host(1).caravela(['rm', 'web']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('stop');
    expect(await host(1).ok(['rm', '-f', 'web'])).toBe('web');
    expect(await host(2).ok(['ps', '-aq'])).toBe('');
  });

  test('run in the foreground gives its output and its exit code', async () => {
    const run = (...args: string[]) => host(2).caravela(['run', '--rm', instance.image, ...args]);
    const outcome = await run('sh', '-c', 'echo to stdout; echo to stderr >&2; exit 42');
    expect(outcome).toEqual({ code: 42, stdout: 'to stdout\n', stderr: 'to stderr\n' });
    expect((await run('no-such-program')).code).toBe(127);
    expect((await run('/etc/passwd')).code).toBe(126);
    await until('what --rm left to be gone', async () => (await host(1).ok(['ps', '-aq'])) === '');
  });

  test('gets its limits, environment, user, directory and labels', async () => {
    const words = [
      '-e',
      'A=b c',
      '-l',
      'shop=porto',
      '-w',
      '/tmp',
      '-u',
      '1000:1000',
      '--cpus',
      '0.25',
      '--memory',
      '16m',
      '--hostname',
      'h',
    ];
    const outcome = await host(3).caravela([
      'run',
      '--name',
      'lim',
      ...words,
      instance.image,
      'sh',
      '-c',
      'echo "$A $(pwd) $(id -u):$(id -g) $(hostname)"; grep -h CapEff /proc/self/status',
    ]);
    expect(outcome.stdout).toContain('b c /tmp 1000:1000 h\n');
    expect(outcome.stdout).toMatch(/CapEff:\s+0{16}/);
    const found = await host(1).ok(['ps', '-a', '--filter', 'label=shop=porto', '--format', '{{.Names}}']);
    expect(found).toBe('lim');
    await host(1).ok(['rm', 'lim']);
  });

  test('that eats its memory is ended and says so', async () => {
    const outcome = await host(1).caravela([
      'run',
      '--name',
      'eater',
      '--memory',
      '16m',
      instance.image,
      'sh',
      '-c',
      'x=a; while :; do x=$x$x; done',
    ]);
    expect(outcome.code).toBe(137);
    const { State } = await inspect<{ State: { OOMKilled: boolean; ExitCode: number } }>(2, 'eater');
    expect(State).toMatchObject({ OOMKilled: true, ExitCode: 137 });
    await host(3).ok(['rm', 'eater']);
  });

  test('restarts by its policy', async () => {
    await host(1).ok(['run', '-d', '--name', 'again', '--restart', 'on-failure:2', instance.image, 'sh', '-c', 'echo start; exit 3']);
    expect(await host(2).ok(['wait', 'again'])).toBe('3');
    const inspected = await until('its second restart', async () => {
      const now = await inspect<{ RestartCount: number; State: { Status: string } }>(3, 'again');
      return now.RestartCount === 2 && now.State.Status === 'exited' && now;
    });
    expect(inspected.RestartCount).toBe(2);
    expect(await host(3).ok(['logs', 'again'])).toBe('start\nstart\nstart');
    await host(1).ok(['rm', 'again']);
  });

  test('takes the ancestors’ words, too', async () => {
    await host(1).ok(['run', '-d', '--name', 'old', '-cpus', '1', '-memory', '128', instance.image, 'sleep', '1000']);
    const { HostConfig } = await inspect<{ HostConfig: { NanoCpus: number; Memory: number } }>(2, 'old');
    expect(HostConfig).toMatchObject({ NanoCpus: 1e9, Memory: 128 * 1024 * 1024 });
    expect(await host(2).ok(['container', 'ps', '--format', '{{.Names}}'])).toBe('old');
    await host(2).ok(['rm', '-f', 'old']);
  });
});

describe('placement', () => {
  test('follows constraints and spreads when asked', async () => {
    for (const n of [1, 2, 3]) {
      await host(1).ok([
        'run',
        '-d',
        '--name',
        `on${n}`,
        '--constraint',
        `node==host${n}`,
        '--memory',
        '16m',
        instance.image,
        'sleep',
        '1000',
      ]);
    }
    const rows = (await host(2).ok(['ps', '--format', '{{.Names}} {{.Node}}'])).split('\n').toSorted();
    expect(rows).toEqual(['on1 host1', 'on2 host2', 'on3 host3']);
    const before = await nodesSeenBy(host(3));
    expect(before.map((row) => row.containers)).toEqual([1, 1, 1]);
    expect(before.every((row) => row.memory.reserved === 16 * 1024 * 1024)).toBe(true);

    for (const n of [1, 2, 3])
      await host(n).ok(['run', '-d', '--name', `s${n}`, '--policy', 'spread', '--cpus', '0.5', instance.image, 'sleep', '1000']);
    const spread = (await host(1).ok(['ps', '--filter', 'name=s', '--format', '{{.Node}}'])).split('\n');
    expect(new Set(spread).size).toBe(3);
    await host(1).ok(['rm', '-f', 'on1', 'on2', 'on3', 's1', 's2', 's3']);
  });

  test('that cannot be is refused with numbers, and nothing is left', async () => {
    const outcome = await host(2).caravela([
      'run',
      '-d',
      '--name',
      'huge',
      '--cpus',
      '64',
      '--memory',
      '256',
      instance.image,
      'sleep',
      '1',
    ]);
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toMatch(/no node has 64 CPUs and 256 MiB free: of 3 nodes 3 lack CPU/);
    expect(await host(1).ok(['ps', '-aq'])).toBe('');
  });

  test('is explained', async () => {
    await host(3).ok(['run', '-d', '--name', 'why', '--constraint', 'node==host2', instance.image, 'sleep', '1000']);
    const text = await host(1).ok(['explain', 'why']);
    expect(text).toContain('host2');
    await host(1).ok(['rm', '-f', 'why']);
  });

  test('of a taken name is refused with Docker’s words', async () => {
    await host(1).ok(['create', '--help']);
    await host(1).ok(['run', '-d', '--name', 'once', instance.image, 'sleep', '1000']);
    const outcome = await host(2).caravela(['run', '-d', '--name', 'once', instance.image, 'sleep', '1000']);
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toContain('The container name "/once" is already in use by container');
    await host(2).ok(['rm', '-f', 'once']);
  });
});

describe('images', () => {
  test('loaded on one node run on another: blobs come from the peer', async () => {
    const archive = '/tmp/crvmain/loaded.tar';
    await must([process.execPath, 'scripts/make-image.ts', '--output', archive, '--format', 'docker', '--tag', 'loaded:2']);
    expect(await host(1).ok(['load', '-i', archive])).toContain('loaded:2');
    const outcome = await host(1).caravela(['run', '--rm', '--constraint', 'node==host3', 'loaded:2', 'echo', 'from a peer']);
    expect(outcome).toEqual({ code: 0, stdout: 'from a peer\n', stderr: '' });
    expect(await host(2).ok(['images', '--format', '{{.Repository}}:{{.Tag}}'])).toContain('loaded:2');
  });

  test('that do not exist are refused by name', async () => {
    const outcome = await host(2).caravela(['run', '-d', `${instance.lab.bridgeIp}:5000/nothing:9`, 'true']);
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toContain('nothing:9');
    const nowhere = await host(2).caravela(['pull', `${instance.lab.bridgeIp}:5999/x`]);
    expect(nowhere.code).toBe(1);
    expect(nowhere.stderr).toContain('5999');
  });
});

describe('logs', () => {
  test('are followed to the end, from another node', async () => {
    await host(1).ok([
      'run',
      '-d',
      '--name',
      'count',
      '--constraint',
      'node==host1',
      instance.image,
      'sh',
      '-c',
      'for i in 1 2 3 4 5; do echo $i; sleep 0.2; done',
    ]);
    const follow = await host(2).caravela(['logs', '-f', 'count']);
    expect(follow).toEqual({ code: 0, stdout: '1\n2\n3\n4\n5\n', stderr: '' });
    expect(await host(3).ok(['logs', '--tail', '2', 'count'])).toBe('4\n5');
    await host(1).ok(['rm', 'count']);
  });

  test('a viewer that stops reading stalls nobody', async () => {
    await host(1).ok([
      'run',
      '-d',
      '--name',
      'chatty',
      '--constraint',
      'node==host1',
      instance.image,
      'sh',
      '-c',
      'i=0; while [ $i -lt 200000 ]; do echo "line $i of many"; i=$((i+1)); done; sleep 1000',
    ]);
    const [program = '', ...words] = host(2).words(['logs', '-f', 'chatty']);
    const viewer = spawn(program, words, { env: { ...process.env, ...host(2).env() }, stdio: ['ignore', 'pipe', 'ignore'] });
    await until(
      'the container to have written all',
      async () => (await host(3).ok(['logs', '--tail', '1', 'chatty'])).startsWith('line 199999'),
      60_000,
    );
    viewer.kill('SIGKILL');
    await host(3).ok(['rm', '-f', 'chatty']);
  });
});
