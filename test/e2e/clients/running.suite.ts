import { once } from 'node:events';
import { expect, test } from 'vitest';
import { until } from '../../lab/shell.ts';
import type { DockerCli } from './docker-cli.ts';
import type { World } from './world.ts';

const CTRL_C = '\x03';
const DETACH = '\x10\x11';

/** `docker run` and what is done to containers that run: what a user types, sees and is left with. */
export function runningSuite(world: () => World, docker: () => DockerCli): void {
  test('run gives output, input and exit code of what it runs', async () => {
    const { image } = world();
    const both = ['sh', '-c', 'echo to stdout; echo to stderr >&2; exit 42'];
    expect(await docker().run(['run', '--rm', image, ...both])).toEqual({ code: 42, stdout: 'to stdout\n', stderr: 'to stderr\n' });
    const much = 'x'.repeat(99).concat('\n').repeat(20_000);
    const piped = await docker().run(['run', '--rm', '-i', image, 'cat'], { input: much });
    expect([piped.code, piped.stdout === much, piped.stderr]).toEqual([0, true, '']);
    expect(await docker().run(['run', '--rm', '-a', 'stderr', image, ...both])).toEqual({ code: 42, stdout: '', stderr: 'to stderr\n' });
    const told = ['-e', 'A=b', '-w', '/etc', '-u', 'nobody', '--hostname', 'ship', '--entrypoint', 'sh'];
    const said = await docker().ok('run', '--rm', ...told, image, '-c', 'echo $A $PWD $(id -un) $(hostname)');
    expect(said).toBe('b /etc nobody ship');
    expect(await docker().ok('ps', '-aq')).toBe('');
  });

  test('run says what could not be run by its exit code, and why', async () => {
    const { image, registry } = world();
    const absent = await docker().refused('run', '--rm', image, 'no-such-program');
    expect(absent).toEqual([127, expect.stringContaining('executable file not found in $PATH')]);
    expect(await docker().refused('run', '--rm', image, '/etc/passwd')).toEqual([126, expect.stringContaining('permission denied')]);
    const missing = await docker().refused('run', '--rm', `${registry}/nothing:1`, 'true');
    expect(missing).toEqual([125, expect.stringContaining(`manifest for ${registry}/nothing:1 not found`)]);
    await docker().ok('create', '--name', 'taken', image);
    expect(await docker().refused('run', '--name', 'taken', image)).toEqual([
      125,
      expect.stringContaining('The container name "/taken" is already in use by container'),
    ]);
    expect((await docker().refused('run', '-m', '1m', image))[0]).toBe(125);
  });

  test('a signal to the client is the container’s; without the proxy it is the client’s', async () => {
    const trap = ['sh', '-c', 'trap "exit 7" TERM; echo up; while :; do sleep 0.1; done'];
    const client = docker().spawn('run', '--name', 'signalled', world().image, ...trap);
    const ended = once(client, 'exit');
    await once(client.stdout as NodeJS.ReadableStream, 'data');
    client.kill('SIGTERM');
    expect((await ended)[0]).toBe(7);
    expect(await docker().ok('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'signalled')).toBe('exited 7');

    await docker().ok('start', 'signalled');
    const viewer = docker().spawn('attach', '--sig-proxy=false', 'signalled');
    const left = once(viewer, 'exit');
    await new Promise((resolve) => setTimeout(resolve, 300));
    // Later clients wait for their stream's end after a mere SIGTERM.
    viewer.kill('SIGKILL');
    await left;
    expect(await docker().ok('inspect', '--format', '{{.State.Running}}', 'signalled')).toBe('true');
  });

  test('run -it is a terminal: size, keys, leaving by keys of one’s own, coming back', async () => {
    const words = ['run', '-it', '--name', 'shell', '--detach-keys', 'ctrl-x,x', world().image];
    const pty = docker().pty(words, { rows: 33, columns: 111 });
    await pty.see('/ # ');
    await until('its size', async () => {
      pty.type('echo "<$(stty size)>"\r');
      return (await pty.see(/<[\d ]*>\r\n/)).endsWith('<33 111>\r\n');
    });
    await pty.resize(40, 120);
    await until('its new size', async () => {
      pty.type('echo "<$(stty size)>"\r');
      return (await pty.see(/<[\d ]*>\r\n/)).endsWith('<40 120>\r\n');
    });
    pty.type('sleep 1000\r');
    await pty.see('sleep 1000\r\n');
    pty.type(CTRL_C);
    await pty.see('/ # ');
    pty.type('\x18x');
    expect(await pty.ended()).toBe(0);
    expect(await docker().ok('inspect', '--format', '{{.State.Running}} {{.Config.Tty}}', 'shell')).toBe('true true');
    const back = docker().pty(['attach', 'shell']);
    back.type('\r');
    await back.see('/ # ');
    back.type('exit 5\r');
    expect(await back.ended()).toBe(5);
    const again = docker().pty(['start', '-ai', 'shell']);
    await again.see('/ # ');
    again.type('exit 6\r');
    expect(await again.ended()).toBe(6);
  });

  test('exec runs beside what runs: output, input, exit code, environment, user, place', async () => {
    const { image } = world();
    await docker().ok('run', '-d', '--name', 'host', '-e', 'A=b', '-u', 'nobody', image, 'sleep', '1000');
    const both = ['sh', '-c', 'echo out; echo err >&2; exit 3'];
    expect(await docker().run(['exec', 'host', ...both])).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });
    expect(await docker().ok('exec', 'host', 'sh', '-c', 'echo $A $(id -un) $PWD')).toBe('b nobody /');
    const other = ['-e', 'A=c', '-u', 'root', '-w', '/etc'];
    expect(await docker().ok('exec', ...other, 'host', 'sh', '-c', 'echo $A $(id -un) $PWD')).toBe('c root /etc');
    const much = 'y'.repeat(99).concat('\n').repeat(20_000);
    const piped = await docker().run(['exec', '-i', 'host', 'cat'], { input: much });
    expect([piped.code, piped.stdout === much]).toEqual([0, true]);
    expect(await docker().ok('exec', 'host', 'cat')).toBe('');
    await docker().ok('exec', '-d', 'host', 'sh', '-c', 'echo done > /tmp/trace');
    await until('its trace', async () => (await docker().ok('exec', 'host', 'cat', '/tmp/trace')) === 'done');
    // Docker of 20.10 says 126 and writes it among the output, later ones 127.
    const absent = await docker().run(['exec', 'host', 'no-such-program']);
    expect([126, 127]).toContain(absent.code);
    expect(absent.stdout + absent.stderr).toMatch(/executable file not found|no such file/);
    const killed = await docker().run(['exec', 'host', 'sh', '-c', 'kill -9 $$']);
    expect(killed.code).toBe(137);

    await docker().ok('kill', 'host');
    // A kill is told when it is sent.
    await docker().ok('wait', 'host');
    expect(await docker().refused('exec', 'host', 'true')).toEqual([1, expect.stringMatching(/[Cc]ontainer [0-9a-z]+ is not running/)]);
  });

  test('exec -it is a terminal of its own', async () => {
    await docker().ok('run', '-d', '--name', 'host', world().image, 'sleep', '1000');
    const pty = docker().pty(['exec', '-it', 'host', 'sh'], { rows: 22, columns: 99 });
    await pty.see('/ # ');
    await until('its size', async () => {
      pty.type('echo "<$(stty size)>"\r');
      return (await pty.see(/<[\d ]*>\r\n/)).endsWith('<22 99>\r\n');
    });
    await pty.resize(30, 77);
    await until('its new size', async () => {
      pty.type('echo "<$(stty size)>"\r');
      return (await pty.see(/<[\d ]*>\r\n/)).endsWith('<30 77>\r\n');
    });
    pty.type('exit 4\r');
    expect(await pty.ended()).toBe(4);

    const left = docker().pty(['exec', '-it', 'host', 'sh', '-c', 'echo "it is"; sleep 1000']);
    await left.see('it is\r\n');
    left.type(DETACH);
    expect(await left.ended()).toBeLessThan(2);
    expect(await docker().ok('top', 'host', '-eo', 'pid,args')).toContain('sleep 1000');
  });

  test('attach shows what comes, feeds it, and ends with its exit code', async () => {
    const echo = 'while read line; do echo "<$line>"; [ "$line" != end ] || exit 9; done';
    await docker().ok('run', '-di', '--name', 'reader', world().image, 'sh', '-c', echo);
    const client = docker().spawn('attach', 'reader');
    const ended = once(client, 'exit');
    let shown = '';
    client.stdout?.on('data', (data) => (shown += String(data)));
    client.stdin?.write('one\n');
    await until('its answer', async () => shown === '<one>\n');
    client.stdin?.write('end\n');
    expect((await ended)[0]).toBe(9);
    expect(shown).toBe('<one>\n<end>\n');
    expect(await docker().refused('attach', 'reader')).toEqual([1, expect.stringContaining('You cannot attach to a stopped container')]);
  });

  test('top, stats and update', async () => {
    const { image } = world();
    await docker().ok('run', '-d', '--name', 'busy', '-m', '64m', '--cpus', '0.2', image, 'sh', '-c', 'while :; do :; done');
    const top = await docker().ok('top', 'busy');
    expect(top.split('\n')[0]).toMatch(/^UID +PID +PPID +C +STIME +TTY +TIME +CMD$/);
    expect(top).toMatch(/sh -c while :; do :; done$/m);
    expect(await docker().ok('top', 'busy', '-o', 'pid,args')).toMatch(/^PID +COMMAND\n\d+ +sh -c/);
    const stats = await until('its stats', async () => {
      const text = await docker().ok('stats', '--no-stream', '--format', '{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}', 'busy');
      return /^busy (?!0\.00)\d+\.\d+% .* \/ 64MiB 1$/.test(text) && text;
    });
    expect(Number(/ (\d+\.\d+)%/.exec(stats)?.[1])).toBeLessThan(60);
    expect(await docker().ok('update', '-m', '96m', '--memory-swap', '96m', '--cpus', '0.3', '--restart', 'on-failure:3', 'busy')).toMatch(
      /^busy$/m,
    );
    const format =
      '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}}';
    expect(await docker().ok('inspect', '--format', format, 'busy')).toBe(`${96 * 1024 * 1024} 300000000 on-failure:3`);
    expect(await docker().ok('stats', '--no-stream', '--format', '{{.MemUsage}}', 'busy')).toMatch(/ \/ 96MiB$/);
  });

  test('pause and unpause', async () => {
    await docker().ok('run', '-d', '--name', 'still', world().image, 'sh', '-c', 'while :; do date +%s%N; sleep 0.05; done');
    expect(await docker().ok('pause', 'still')).toBe('still');
    expect(await docker().ok('ps', '--filter', 'status=paused', '--format', '{{.Names}} {{.Status}}')).toMatch(/^still Up .* \(Paused\)$/);
    expect(await docker().ok('inspect', '--format', '{{.State.Status}} {{.State.Paused}} {{.State.Running}}', 'still')).toBe(
      'paused true true',
    );
    const lines = await docker().ok('logs', 'still');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await docker().ok('logs', 'still')).toBe(lines);
    expect(await docker().refused('exec', 'still', 'true')).toEqual([1, expect.stringContaining('is paused')]);
    expect(await docker().refused('pause', 'still')).toEqual([1, expect.stringContaining('already paused')]);
    expect(await docker().ok('unpause', 'still')).toBe('still');
    await until('it to go on', async () => (await docker().ok('logs', 'still')).length > lines.length);
    expect(await docker().refused('unpause', 'still')).toEqual([1, expect.stringContaining('not paused')]);
  });
}
