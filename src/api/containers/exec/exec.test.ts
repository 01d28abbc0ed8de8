import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { FrameDecoder } from '../../../docker-api/framing.ts';
import { jsonLines } from '../../../docker-api/json-lines.ts';
import type { EventMessage } from '../../../docker-api/types.ts';
import type { FakeNode } from '../../fake-instance.test-helper.ts';
import { bytesOf, instanceWith, until } from '../../instance-with.test-helper.ts';
import { API_LIMITS } from '../../limits.ts';
import { ExecRegistry } from './exec-registry.ts';
import { execWish } from './exec-wish.ts';

const ALL = { AttachStdin: true, AttachStdout: true, AttachStderr: true };
const JSON_TYPE = { 'content-type': 'application/json' };
const HIJACK = { hijack: true, stdin: true };

const framesOf = (data: Buffer): string[] => new FrameDecoder().push(data).map(({ stream, data: text }) => `${stream}: ${text.toString()}`);
const unframe = (data: Buffer): Buffer => Buffer.concat(new FrameDecoder().push(data).map((frame) => frame.data));
const lastExec = (node: FakeNode) => node.access.execs.at(-1);

describe.each(['here', 'there'] as const)('exec, the container %s', (where) => {
  it('runs a command, shows both streams, and knows its exit code when the stream has ended', async () => {
    const t = await instanceWith(where);
    const exec = await t.container.exec({
      ...ALL,
      Cmd: ['sh', '-c', 'true'],
      Env: ['A=b'],
      User: '7',
      WorkingDir: '/tmp',
      Privileged: true,
    });
    expect(await exec.inspect()).toEqual({
      ID: exec.id,
      ContainerID: t.containerId,
      Running: false,
      ExitCode: null,
      ProcessConfig: { tty: false, entrypoint: 'sh', arguments: ['-c', 'true'], privileged: true, user: '7' },
      OpenStdin: true,
      OpenStdout: true,
      OpenStderr: true,
      CanRemove: false,
      DetachKeys: '',
      Pid: 0,
    });
    const stream = await exec.start(HIJACK);
    await until(() => t.home.access.execs.length === 1);
    const process = lastExec(t.home);
    expect(process?.spec).toMatchObject({
      argv: ['sh', '-c', 'true'],
      env: ['A=b'],
      user: '7',
      workingDir: '/tmp',
      privileged: true,
      tty: false,
      stdin: true,
    });
    expect(await exec.inspect()).toMatchObject({ Running: true, ExitCode: null, Pid: 4712 });
    expect((await t.container.inspect()).ExecIDs).toEqual([exec.id]);
    await process?.put('stdout', 'out\n');
    await process?.put('stderr', 'err\n');
    process?.end(3);
    expect(framesOf(await bytesOf(stream))).toEqual(['stdout: out\n', 'stderr: err\n']);
    expect(await exec.inspect()).toMatchObject({ Running: false, ExitCode: 3, Pid: 4712 });
    expect((await t.container.inspect()).ExecIDs).toBeNull();
  });

  it('passes 16 MiB through its input and back, and the input’s end', async () => {
    const t = await instanceWith(where);
    const exec = await t.container.exec({ ...ALL, Cmd: ['cat'] });
    const stream = await exec.start(HIJACK);
    const data = Buffer.alloc(16 * 1024 * 1024, 'a line that goes there and back\n');
    const reading = bytesOf(stream);
    stream.end(data);
    const echoed = unframe(await reading);
    expect(echoed.length).toBe(data.length);
    expect(createHash('sha256').update(echoed).digest('hex')).toBe(createHash('sha256').update(data).digest('hex'));
    expect(await exec.inspect()).toMatchObject({ Running: false, ExitCode: 0 });
  });

  it('shows a terminal raw at its size, sizes it again, and leaves it by the detach keys', async () => {
    const t = await instanceWith(where);
    const events = (await t.docker.getEvents({})) as Readable;
    const exec = await t.container.exec({ ...ALL, Tty: true, Cmd: ['top'], DetachKeys: 'ctrl-a,d' });
    await exec.resize({ h: 20, w: 70 });
    const stream = await exec.start({ ...HIJACK, Tty: true });
    await until(() => t.home.access.execs.length === 1);
    const process = lastExec(t.home);
    expect(process?.spec).toMatchObject({ tty: true, terminalSize: { rows: 20, columns: 70 } });
    await exec.resize({ h: 40, w: 120 });
    expect(process?.sizes).toEqual(['40 120']);
    await process?.put('stdout', 'raw');
    stream.write('\x01d');
    expect((await bytesOf(stream)).toString()).toBe('raw');
    await until(() => process?.isDetached === true);
    expect(await exec.inspect()).toMatchObject({ Running: true });
    process?.end(0);
    const seen: string[] = [];
    for await (const { Action, Actor } of jsonLines<EventMessage>(events)) {
      expect(Actor.Attributes['execID']).toBe(exec.id);
      seen.push(Action);
      if (seen.length === 4) break;
    }
    expect(seen).toEqual(['exec_create: top', 'exec_start: top', 'exec_detach', 'exec_die']);
    await expect(exec.resize({ h: 1, w: 1 })).rejects.toMatchObject({ statusCode: 400 });
  });

  it('runs what nobody is attached to', async () => {
    const t = await instanceWith(where);
    const exec = await t.container.exec({ Cmd: ['exit', '5'] });
    await exec.start({ Detach: true });
    await until(() => lastExec(t.home)?.isDetached === true);
    expect(await exec.inspect()).toMatchObject({ Running: false, ExitCode: 5 });
    await expect(exec.start({ Detach: true })).rejects.toMatchObject({ statusCode: 409 });
  });

  it('tells where its output would be that there is no such program, and its code says so, too', async () => {
    const t = await instanceWith(where);
    const exec = await t.container.exec({ ...ALL, Cmd: ['nosuch'] });
    const [frame = ''] = framesOf(await bytesOf(await exec.start(HIJACK)));
    expect(frame).toContain('stderr: exec failed');
    expect(frame).toContain('executable file not found');
    expect(await exec.inspect()).toMatchObject({ Running: false, ExitCode: 127 });
    const detached = await t.container.exec({ Cmd: ['nosuch'] });
    await expect(detached.start({ Detach: true })).rejects.toMatchObject({ statusCode: 400 });
  });

  it('lets the process go on when its client has gone, with no more input', async () => {
    const t = await instanceWith(where);
    const exec = await t.container.exec({ ...ALL, Cmd: ['sleep'] });
    const stream = await exec.start(HIJACK);
    await until(() => t.home.access.execs.length === 1);
    stream.destroy();
    await until(() => {
      void lastExec(t.home)?.put('stdout', 'anybody?\n');
      return lastExec(t.home)?.isDetached === true;
    });
    expect(await exec.inspect()).toMatchObject({ Running: true });
  });

  it('is not held up by a client that takes nothing: that one is let go, with a word about it', async () => {
    const t = await instanceWith(where);
    const exec = await t.container.exec({ ...ALL, Cmd: ['sleep'] });
    const stream = await exec.start(HIJACK);
    stream.pause();
    await until(() => t.home.access.execs.length === 1);
    const process = lastExec(t.home);
    process?.hurry();
    const text = 'x'.repeat(64 * 1024);
    for (let i = 0; i < 256; i++) await process?.put('stdout', text);
    process?.end(0);
    expect(
      unframe(await bytesOf(stream))
        .subarray(-200)
        .toString(),
    ).toContain('was let go; the process runs on');
    await until(() => process?.isDetached === true);
  });

  it('answers a plain request in plain HTTP', async () => {
    const t = await instanceWith(where);
    const exec = await t.container.exec({ AttachStdout: true, Cmd: ['echo', 'hi'] });
    for (const [version, type] of [
      ['v1.41', 'application/vnd.docker.raw-stream'],
      ['v1.47', 'application/vnd.docker.multiplexed-stream'],
    ]) {
      const again = await t.container.exec({ AttachStdout: true, Cmd: ['echo', 'hi'] });
      // On a connection: what comes over it is no answer of the framework's.
      const { socketPath } = t.asked;
      const asking = request({ socketPath, method: 'POST', path: `/${version}/exec/${again.id}/start`, headers: JSON_TYPE });
      asking.end('{"Detach":false}');
      const [answer] = (await once(asking, 'response')) as [IncomingMessage];
      expect([answer.statusCode, answer.headers['content-type'], framesOf(await bytesOf(answer))]).toEqual([200, type, ['stdout: hi\n']]);
    }
    expect((await t.docker.getExec(exec.id).inspect()).ExitCode).toBeNull();
  });

  it('refuses what can’t be run, in Docker’s codes', async () => {
    const t = await instanceWith(where);
    const status = async (url: string, payload: object = {}): Promise<unknown> =>
      (await t.asked.api.app.inject({ method: 'POST', url, payload })).statusCode;
    expect(await status('/containers/web/exec', { Cmd: [] })).toBe(400);
    expect(await status('/containers/web/exec', { cmd: ['true'], attachstdin: true })).toBe(201);
    expect(await status('/containers/web/exec', { Cmd: ['x'], WorkingDir: 'tmp' })).toBe(400);
    expect(await status('/containers/web/exec', { Cmd: ['x'], DetachKeys: 'ctrl-' })).toBe(400);
    expect(await status('/containers/nope/exec', { Cmd: ['x'] })).toBe(404);
    expect(await status(`/exec/${'0'.repeat(64)}/start`)).toBe(404);
    expect(await status(`/exec/nonsense/start`)).toBe(404);
    expect(await status(`/exec/${'0'.repeat(32)}${t.home.id}/resize?h=1&w=1`)).toBe(404);
    const text = await t.asked.api.app.inject({
      method: 'POST',
      url: '/containers/web/exec',
      headers: { 'content-type': 'text/plain' },
      payload: '{"Cmd":["x"]}',
    });
    expect([text.statusCode, text.json<{ message: string }>().message]).toEqual([
      400,
      "Content-Type specified (text/plain) must be 'application/json'",
    ]);
    const early = await t.container.exec({ Cmd: ['true'] });
    await t.container.pause();
    expect(await status('/containers/web/exec', { Cmd: ['x'] })).toBe(409);
    await expect(early.start({ Detach: true })).rejects.toMatchObject({ statusCode: 409 });
    await t.container.unpause();
    t.home.exit(t.containerId, 0);
    expect(await status('/containers/web/exec', { Cmd: ['x'] })).toBe(409);
    // With the run that it was made for it is gone, also when there is another.
    await t.container.start();
    await expect(early.start({ Detach: true })).rejects.toMatchObject({ statusCode: 404 });
    // What has ended can be looked at as long as its container is there.
    const ended = await t.container.exec({ AttachStdout: true, Cmd: ['echo', 'hi'] });
    await ended.start({ Detach: true });
    await expect.poll(async () => (await ended.inspect()).ExitCode).toBe(0);
    await t.container.remove({ force: true });
    await expect(ended.inspect()).rejects.toMatchObject({ statusCode: 404 });
  });
});

describe('execs', () => {
  it('are bounded: what has ended gives way, what runs does not', async () => {
    const t = await instanceWith('here');
    const execs = new ExecRegistry(t.asked, () => undefined);
    const create = (cmd: string[]) => execs.create(t.containerId, execWish({ Cmd: cmd }));
    const [running, ended] = [create(['sleep']), create(['exit', '0'])];
    for (const exec of [running, ended]) await execs.start(exec, undefined);
    await until(() => execs.get(ended.id).state.kind === 'ended');
    for (let i = 2; i < API_LIMITS.execs; i++) create(['sleep']);
    expect(execs.get(ended.id).state.kind).toBe('ended');
    create(['one more']);
    expect(execs.get(running.id).state.kind).toBe('running');
    expect(() => execs.get(ended.id)).toThrow('No such exec instance');
  });

  it('are forgotten a while after their end', async () => {
    const t = await instanceWith('here');
    const execs = new ExecRegistry(t.asked, () => undefined);
    const exec = execs.create(t.containerId, execWish({ Cmd: ['exit', '0'] }));
    await execs.start(exec, undefined);
    await until(() => execs.get(exec.id).state.kind === 'ended');
    const later = Date.now() + API_LIMITS.execKeptMs + 1;
    t.asked.wallMs = () => later;
    expect(() => execs.get(exec.id)).toThrow('No such exec instance');
  });

  it('say so when their node is gone', async () => {
    const t = await instanceWith('there');
    const exec = await t.container.exec({ Cmd: ['sleep'] });
    t.home.state = 'dead';
    await expect(exec.inspect()).rejects.toMatchObject({ statusCode: 503 });
    t.home.state = 'left';
    await expect(exec.inspect()).rejects.toMatchObject({ statusCode: 404 });
  });

  it('break off, and don’t end, when the node of the process goes away', async () => {
    const t = await instanceWith('there');
    const exec = await t.container.exec({ ...ALL, Cmd: ['sleep'] });
    const stream = await exec.start(HIJACK);
    await until(() => t.home.access.execs.length === 1);
    await lastExec(t.home)?.put('stdout', 'half');
    await until(() => stream.readableLength > 0);
    const reading = bytesOf(stream).then(framesOf, (error: Error) => error.message);
    await t.home.close();
    expect([['stdout: half'], 'read ECONNRESET', 'aborted']).toContainEqual(await reading);
  });
});
