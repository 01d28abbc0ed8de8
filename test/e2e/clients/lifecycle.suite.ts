import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../../lab/shell.ts';
import type { DockerCli } from './docker-cli.ts';
import type { World } from './world.ts';

/** What becomes of containers, and how that is told: create to rm, ps, inspect, logs, events. */
export function lifecycleSuite(world: () => World, docker: () => DockerCli): void {
  test('create, start, restart, stop, kill, wait, rename, rm', async () => {
    const { image } = world();
    const id = await docker().ok(
      'create',
      '--name',
      'made',
      '--label',
      'a=b',
      image,
      'sh',
      '-c',
      'echo up; trap "exit 4" TERM; while :; do sleep 0.1; done',
    );
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    const state = '{{.State.Status}} {{.State.Running}} {{.State.ExitCode}}';
    expect(await docker().ok('inspect', '--format', state, 'made')).toBe('created false 0');
    expect(await docker().ok('start', 'made')).toBe('made');
    expect(await docker().ok('start', 'made')).toBe('made');
    await until('its log', async () => (await docker().ok('logs', 'made')) === 'up');
    expect(await docker().ok('restart', 'made')).toBe('made');
    await until('its second start', async () => (await docker().ok('logs', 'made')) === 'up\nup');
    expect(await docker().ok('stop', 'made')).toBe('made');
    expect(await docker().ok('stop', 'made')).toBe('made');
    expect(await docker().ok('inspect', '--format', state, 'made')).toBe('exited false 4');
    expect(await docker().ok('wait', 'made')).toBe('4');
    expect(await docker().refused('kill', 'made')).toEqual([1, expect.stringMatching(/is not running/)]);
    expect(await docker().ok('rename', 'made', 'renamed')).toBe('');
    expect(await docker().ok('inspect', '--format', '{{.Name}} {{.Id}}', 'renamed')).toBe(`/renamed ${id}`);
    expect(await docker().refused('inspect', 'made')).toEqual([1, expect.stringContaining('No such object: made')]);
    await docker().ok('create', '--name', 'other', image);
    expect(await docker().refused('rename', 'renamed', 'other')).toEqual([1, expect.stringContaining('already in use')]);
    await docker().ok('start', 'renamed');
    expect(await docker().refused('rm', 'renamed')).toEqual([1, expect.stringMatching(/cannot remove (a running )?container/)]);
    const waiting = docker().ok('wait', 'renamed');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await docker().ok('kill', '--signal', 'KILL', 'renamed')).toBe('renamed');
    expect(await waiting).toBe('137');
    expect(await docker().ok('rm', 'renamed', 'other')).toBe('renamed\nother');
    expect(await docker().ok('ps', '-aq')).toBe('');
  });

  test('one that removes itself comes through a restart, under a name longer than a label of DNS, and goes with its end', async () => {
    const { image } = world();
    const name = `long-${'n'.repeat(70)}`;
    const id = await docker().ok('run', '-d', '--rm', '--name', name, image, 'sleep', '1000');
    expect(await docker().ok('restart', '-t', '0', name)).toBe(name);
    expect(await docker().ok('inspect', '--format', '{{.Id}} {{.State.Status}}', name)).toBe(`${id} running`);
    await docker().ok('kill', name);
    await until('its removal', async () => (await docker().ok('ps', '-aq')) === '');
  });

  test('ps and its filters', async () => {
    const { image } = world();
    const over = await docker().ok('run', '-d', '--name', 'over', '--label', 'kind=old', image, 'sh', '-c', 'exit 3');
    await docker().ok('wait', 'over');
    await docker().ok('create', '--name', 'fresh', image, 'true');
    const up = await docker().ok('run', '-d', '--name', 'up', '--label', 'kind=new', image, 'sleep', '1000');
    const names = async (...words: readonly string[]) =>
      (await docker().ok('ps', '--format', '{{.Names}}', ...words)).split('\n').join(' ');
    expect(await names()).toBe('up');
    expect(await names('-a')).toBe('up fresh over');
    expect(await names('-l')).toBe('up');
    expect(await names('-n', '2')).toBe('up fresh');
    expect(await names('-a', '--filter', 'status=exited')).toBe('over');
    expect(await names('-a', '--filter', 'exited=3')).toBe('over');
    expect(await names('-a', '--filter', 'status=created')).toBe('fresh');
    expect(await names('-a', '--filter', 'label=kind')).toBe('up over');
    expect(await names('-a', '--filter', 'label=kind=old')).toBe('over');
    expect(await names('-a', '--filter', 'name=^/?(up|over)$')).toBe('up over');
    expect(await names('-a', '--filter', `id=${over.slice(0, 10)}`)).toBe('over');
    expect(await names('-a', '--filter', 'before=up')).toBe('fresh over');
    expect(await names('-a', '--filter', 'since=over')).toBe('up fresh');
    expect(await names('-a', '--filter', `ancestor=${image}`)).toBe('up fresh over');
    expect(await names('-a', '--filter', 'ancestor=nothing')).toBe('');
    expect(await docker().ok('ps', '-aq', '--no-trunc', '--filter', 'name=up')).toBe(up);
    expect(await docker().refused('ps', '--filter', 'colour=red')).toEqual([1, expect.stringMatching(/[Ii]nvalid filter 'colour'/)]);
    const row = JSON.parse(await docker().ok('ps', '-s', '--format', '{{json .}}')) as Readonly<Record<string, string>>;
    expect(row).toMatchObject({
      Names: 'up',
      Image: image,
      State: 'running',
      Command: '"sleep 1000"',
      Size: expect.stringMatching(/^\d.*B \(virtual /),
    });
    const pruned = await docker().ok('container', 'prune', '-f', '--filter', 'label!=kind=old');
    expect(pruned).toMatch(/^Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: \d/);
    expect(await names('-a')).toBe('up over');
  });

  test('logs: all, the last, a part by time, as they come', async () => {
    const { image } = world();
    await docker().ok(
      'run',
      '-d',
      '--name',
      'told',
      image,
      'sh',
      '-c',
      'for i in 1 2 3; do echo $i; echo e$i >&2; sleep 0.3; done; echo -n end',
    );
    expect(await docker().run(['logs', '-f', 'told'])).toEqual({ code: 0, stdout: '1\n2\n3\nend', stderr: 'e1\ne2\ne3\n' });
    expect((await docker().run(['logs', '--tail', '1', 'told'])).stdout).toMatch(/^end$/);
    const stamped = (await docker().run(['logs', '-t', 'told'])).stdout.split('\n');
    expect(stamped[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 1$/);
    const at = (line: string | undefined) => line?.split(' ')[0] ?? '';
    // Both bounds are kept: `since` what came at it, `until` what came before it.
    expect((await docker().run(['logs', '--since', at(stamped[1]), 'told'])).stdout).toBe('2\n3\nend');
    expect((await docker().run(['logs', '--until', at(stamped[1]), 'told'])).stdout).toMatch(/^1\n(2\n)?$/);
    expect((await docker().run(['logs', '--since', '1h', '--tail', 'all', 'told'])).stdout).toBe('1\n2\n3\nend');
    expect((await docker().run(['logs', '--since', '2999-01-01T00:00:00', 'told'])).stdout).toBe('');
    await docker().ok('run', '-dt', '--name', 'terminal', image, 'echo', 'hello');
    await docker().ok('wait', 'terminal');
    expect((await docker().run(['logs', 'terminal'])).stdout).toBe('hello\r\n');
  });

  test('logs as they were asked to be kept, with what was asked to be shown', async () => {
    const { image } = world();
    const options = ['--log-opt', 'max-size=1k', '--log-opt', 'max-file=2', '--log-opt', 'labels=tier', '--label', 'tier=web'];
    const lines = 'for n in 1 2 3 4; do yes $n$n$n$n$n$n$n$n$n$n | head -n 100; sleep 1.2; done; echo end';
    await docker().ok('run', '--name', 'bounded', ...options, image, 'sh', '-c', lines);
    const kept = (await docker().run(['logs', 'bounded'])).stdout;
    expect([kept.endsWith('end\n'), kept.includes('1111')]).toEqual([true, false]);
    expect((await docker().run(['logs', '--details', '--tail', '1', 'bounded'])).stdout).toBe('tier=web end\n');
    expect(await docker().refused('run', '--log-opt', 'odd=1', image)).toEqual([
      125,
      expect.stringContaining("unknown log opt 'odd' for json-file log driver"),
    ]);
    expect(await docker().ok('run', '--name', 'silent', '--log-driver', 'none', image, 'echo', 'seen')).toBe('seen');
    expect(await docker().refused('logs', 'silent')).toEqual([
      1,
      expect.stringContaining('configured logging driver does not support reading'),
    ]);
  });

  test('inspect says where on its host a container’s root and its files in /etc are', async () => {
    const { image } = world();
    const script = 'echo mine > /written; echo up; sleep 1000';
    await docker().ok('run', '-d', '--name', 'placed', '--hostname', 'ship', '-m', '64m', image, 'sh', '-c', script);
    while ((await docker().ok('logs', 'placed')) !== 'up');
    const show = (format: string): Promise<string> => docker().ok('inspect', '-f', format, 'placed');
    expect(readFileSync(join(await show('{{.GraphDriver.Data.UpperDir}}'), 'written'), 'utf8')).toBe('mine\n');
    expect(readFileSync(await show('{{.HostnamePath}}'), 'utf8')).toBe('ship\n');
    expect(readFileSync(await show('{{.HostsPath}}'), 'utf8')).toContain('localhost');
    expect(existsSync(await show('{{.ResolvConfPath}}'))).toBe(true);
    expect(existsSync(await show('{{.NetworkSettings.SandboxKey}}'))).toBe(true);
    expect(await show('{{.HostConfig.MemorySwap}} {{index .HostConfig.ReadonlyPaths 0}}')).toBe(`${128 << 20} /proc/bus`);
  });

  test('events, past and coming', async () => {
    const { image } = world();
    const since = String(Date.now() / 1000);
    const coming = docker().spawn('events', '--filter', 'container=seen', '--format', '{{.Action}}');
    let shown = '';
    coming.stdout?.on('data', (data) => (shown += String(data)));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await docker().run(['run', '--name', 'seen', '--label', 'k=v', image, 'sh', '-c', 'exit 5'])).code).toBe(5);
    await docker().ok('rm', 'seen');
    await until('the last event', async () => shown.includes('destroy'));
    coming.kill('SIGTERM');
    expect(shown.split('\n').filter((line) => /^(create|start|die|destroy)$/.test(line))).toEqual(['create', 'start', 'die', 'destroy']);

    const past = async (...filters: readonly string[]) => {
      const words = filters.flatMap((filter) => ['--filter', filter]);
      const text = await docker().ok('events', '--since', since, '--until', String(Date.now() / 1000), '--format', '{{json .}}', ...words);
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { Type: string; Action: string; Actor: { Attributes: Record<string, string> } });
    };
    const [died, ...rest] = await past('event=die', 'type=container');
    expect(rest).toEqual([]);
    expect(died?.Actor.Attributes).toMatchObject({ exitCode: '5', image, k: 'v', name: 'seen' });
    expect((await past('label=k=v', 'event=start')).map(({ Action }) => Action)).toEqual(['start']);
    expect(await past('type=volume')).toEqual([]);
  });

  test('inspect has what was asked for', async () => {
    const { image } = world();
    const words = ['--init', '--read-only', '--cap-drop', 'ALL', '--cap-add', 'KILL', '--restart', 'always', '--stop-signal', 'INT'];
    const more = [
      '--tmpfs',
      '/scratch',
      '--ulimit',
      'nofile=512:1024',
      '--pids-limit',
      '50',
      '--shm-size',
      '32m',
      '--add-host',
      'db:10.0.0.9',
    ];
    await docker().ok('create', '--name', 'full', ...words, ...more, '--stop-timeout', '3', '--health-cmd', 'true', image, 'sleep', '9');
    const [{ Config, HostConfig, Path, Args, Image, Mounts }] = JSON.parse(await docker().ok('inspect', 'full')) as [Record<string, never>];
    expect([Path, Args, Image, Mounts]).toEqual(['sleep', ['9'], expect.stringMatching(/^sha256:[0-9a-f]{64}$/), []]);
    expect(Config).toMatchObject({
      Image: image,
      Cmd: ['sleep', '9'],
      StopSignal: 'INT',
      StopTimeout: 3,
      Healthcheck: { Test: ['CMD-SHELL', 'true'] },
    });
    expect(HostConfig).toMatchObject({
      Init: true,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      CapAdd: [expect.stringMatching(/^(CAP_)?KILL$/)],
      RestartPolicy: { Name: 'always', MaximumRetryCount: 0 },
      Tmpfs: { '/scratch': '' },
      Ulimits: [{ Name: 'nofile', Soft: 512, Hard: 1024 }],
      PidsLimit: 50,
      ShmSize: 32 * 1024 * 1024,
      ExtraHosts: ['db:10.0.0.9'],
      NetworkMode: 'none',
    });
    const sized = JSON.parse(await docker().ok('inspect', '-s', 'full')) as readonly [{ SizeRw: number; SizeRootFs: number }];
    expect(sized[0].SizeRootFs).toBeGreaterThan(1_000_000);
  });

  test('a health check is shown, and told', async () => {
    const check = ['--health-cmd', 'test -e /tmp/well', '--health-interval', '200ms', '--health-retries', '1'];
    await docker().ok('run', '-d', '--name', 'frail', ...check, world().image, 'sleep', '1000');
    const health = () => docker().ok('inspect', '--format', '{{.State.Health.Status}}', 'frail');
    await until('it to be unwell', async () => (await health()) === 'unhealthy');
    await docker().ok('exec', 'frail', 'touch', '/tmp/well');
    await until('it to be well', async () => (await health()) === 'healthy');
    expect(await docker().ok('ps', '--filter', 'health=healthy', '--format', '{{.Names}} {{.Status}}')).toMatch(
      /^frail Up .* \(healthy\)$/,
    );
  });
}
