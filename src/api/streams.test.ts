import { statSync } from 'node:fs';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { FrameDecoder } from '../docker-api/framing.ts';
import { FakeInstance, type FakeNode } from './fake-instance.test-helper.ts';
import { until } from './instance-with.test-helper.ts';
import { API_LIMITS } from './limits.ts';

/** Asked at the first node; the containers are on the second: every stream crosses HTTP/2. */
async function twoNodes() {
  const instance = await FakeInstance.of('node-1', 'node-2');
  const [asked, second] = instance.nodes as [FakeNode, FakeNode];
  asked.images.put('docker.io/library/busybox:latest', '7');
  asked.placeOn = second;
  const docker = new Docker({ socketPath: asked.socketPath });
  return { instance, asked, second, docker };
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream as Readable) text += String(chunk);
  return text;
}

function unframe(data: Buffer): string {
  return new FrameDecoder()
    .push(data)
    .map((f) => `${f.stream}: ${f.data.toString()}`)
    .join('');
}

describe('streams, as dockerode sees them', () => {
  it('runs a container from create to its end as docker run does, and misses nothing of the shortest', async () => {
    const t = await twoNodes();
    const container = await t.docker.createContainer({ Image: 'busybox', Cmd: ['echo'], name: 'short' });
    const attached = await container.attach({ stream: true, stdout: true, stderr: true, hijack: true, stdin: false });
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    container.modem.demuxStream(attached, stdout, stderr);
    attached.on('end', () => {
      stdout.end();
      stderr.end();
    });
    const waiting = container.wait({ condition: 'next-exit' });
    // The wait's headers are sent at once, so starting as soon as it listens is safe.
    await until(() => t.second.listeners >= 2);
    await container.start();
    expect(await waiting).toEqual({ StatusCode: 3 });
    expect([await textOf(stdout), await textOf(stderr)]).toEqual(['hello\n', 'oops\n']);
    await until(() => t.second.listeners === 0 && t.second.openLogs === 0);
  });

  it('sends the headers of wait before there is an answer', async () => {
    const t = await twoNodes();
    const { containerId } = t.second.put('web', { state: 'running' }).request;
    const body = await new Promise<Readable>((resolve) => {
      httpRequest({ socketPath: t.asked.socketPath, method: 'POST', path: '/containers/web/wait' }, resolve).end();
    });
    t.second.exit(containerId, 42);
    expect(JSON.parse(await textOf(body))).toEqual({ StatusCode: 42 });
  });

  it('waits for what was asked: not-running at once, removed with the last exit code', async () => {
    const t = await twoNodes();
    t.second.put('done', { state: 'exited', exitCode: 5 });
    expect(await t.docker.getContainer('done').wait()).toEqual({ StatusCode: 5 });
    const { containerId } = t.second.put('web', { state: 'running' }).request;
    const removed = t.docker.getContainer('web').wait({ condition: 'removed' });
    await until(() => t.second.listeners === 1);
    t.second.exit(containerId, 9);
    await t.docker.getContainer('web').remove();
    expect(await removed).toEqual({ StatusCode: 9 });
    const junk = await t.asked.api.app.inject({ method: 'POST', url: '/containers/done/wait?condition=sometime' });
    expect(junk.statusCode).toBe(400);
  });

  it('shows logs: framed, stamped, from the end, raw with a terminal', async () => {
    const t = await twoNodes();
    const { containerId } = t.second.put('web', { state: 'running' }).request;
    t.second.write(containerId, 'stdout', 'one\n');
    t.second.write(containerId, 'stderr', 'two\n');
    t.second.write(containerId, 'stdout', 'thr');
    t.second.write(containerId, 'stdout', 'ee\n');
    const web = t.docker.getContainer('web');
    expect(unframe(await web.logs({ stdout: true, stderr: true }))).toBe('stdout: one\nstderr: two\nstdout: thrstdout: ee\n');
    expect(unframe(await web.logs({ stderr: true, tail: 3 }))).toBe('stderr: two\n');
    expect(unframe(await web.logs({ stdout: true, timestamps: true, tail: 2 }))).toBe(
      'stdout: 2026-01-02T03:04:05.000000006Z thrstdout: ee\n',
    );
    expect(unframe(await web.logs({ stdout: true, timestamps: true, details: true, tail: 3 }))).toBe(
      'stdout: 2026-01-02T03:04:05.000000006Z  thrstdout: ee\n',
    );
    const log = { driver: 'json-file', options: { labels: 'from.image' } };
    const labelled = t.second.put('labelled', { state: 'running', spec: { extras: { log } } }).request.containerId;
    t.second.write(labelled, 'stdout', 'one\n');
    expect(unframe(await t.docker.getContainer('labelled').logs({ stdout: true, details: true }))).toBe('stdout: from.image=yes one\n');
    await expect(web.logs({})).rejects.toMatchObject({ statusCode: 400 });
    const tty = t.second.put('tty', { state: 'running', spec: { tty: true } });
    t.second.write(tty.request.containerId, 'stdout', 'raw');
    expect(String(await t.docker.getContainer('tty').logs({ stdout: true }))).toBe('raw');
    t.second.put('silent', { state: 'running', spec: { extras: { log: { driver: 'none', options: {} } } } });
    await expect(t.docker.getContainer('silent').logs({ stdout: true })).rejects.toMatchObject({ statusCode: 501 });
  });

  it('follows logs until the end, and lets go of everything when the viewer leaves', async () => {
    const t = await twoNodes();
    const { containerId } = t.second.put('web', { state: 'running' }).request;
    const web = t.docker.getContainer('web');
    const following = await web.logs({ stdout: true, follow: true });
    const leaving = await web.logs({ stdout: true, follow: true });
    await until(() => t.second.openLogs === 2);
    (leaving as Readable).destroy();
    await until(() => t.second.openLogs === 1);
    t.second.write(containerId, 'stdout', 'last words\n');
    t.second.exit(containerId, 0);
    const chunks: Buffer[] = [];
    for await (const chunk of following as Readable) chunks.push(chunk as Buffer);
    expect(unframe(Buffer.concat(chunks))).toBe('stdout: last words\n');
    await until(() => t.second.openLogs === 0);
  });

  it('holds an attach before the start, and shows only what comes after it', async () => {
    const t = await twoNodes();
    const { containerId } = t.second.put('again', { state: 'exited', spec: { tty: true } }).request;
    const container = t.docker.getContainer('again');
    const attached = await container.attach({ stream: true, stdout: true, hijack: true });
    await until(() => t.second.listeners === 1);
    await container.start();
    t.second.write(containerId, 'stdout', 'fresh');
    t.second.exit(containerId, 0);
    expect(await textOf(attached)).toBe('fresh');
    await expect(t.docker.getContainer('nope').attach({ stream: true, stdout: true, hijack: true })).rejects.toThrow(/No such container/);
  });

  it('answers attach in plain HTTP, too', async () => {
    const t = await twoNodes();
    const { containerId } = t.second.put('web', { state: 'running', spec: { tty: true } }).request;
    const response = await new Promise<Readable>((resolve) => {
      httpRequest(
        { socketPath: t.asked.socketPath, method: 'POST', path: '/containers/web/attach?stream=1&stdout=1&logs=1' },
        resolve,
      ).end();
    });
    t.second.write(containerId, 'stdout', 'plain');
    t.second.exit(containerId, 0);
    expect(await textOf(response)).toBe('plain');
  });

  it('does not read ahead of a viewer that has stopped reading', async () => {
    const t = await twoNodes();
    const { containerId } = t.second.put('loud', { state: 'running', spec: { tty: true } }).request;
    let produced = 0;
    const piece = Buffer.alloc(64 * 1024, 'x');
    t.second.logs = async function* (_id, options) {
      while (!options.signal.aborted && produced < 4_000) {
        produced++;
        yield { stream: 'stdout', timestamp: '', data: piece };
        if (produced % 64 === 0) await sleep(1);
      }
    };
    const socket = connect(t.asked.socketPath);
    socket.write(`GET /containers/${containerId}/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(() => produced > 0);
    let before = -1;
    for (let i = 0; i < 50 && before !== produced; i++) {
      before = produced;
      await sleep(50);
    }
    expect(before).toBe(produced);
    expect(produced * piece.length).toBeLessThan(16 * 1024 * 1024);
    socket.destroy();
  });

  it.each(['the node asked', 'another node'])(
    'gives a run back when the client hangs up during create; placed on %s, it is removed',
    async (where) => {
      const t = await twoNodes();
      if (where === 'another node') t.asked.placeOn = t.second;
      let open: () => void = () => undefined;
      t.asked.runGate = new Promise((resolve) => {
        open = resolve;
      });
      const request = httpRequest({
        socketPath: t.asked.socketPath,
        method: 'POST',
        path: '/containers/create',
        headers: { 'content-type': 'application/json' },
      });
      request.on('error', () => undefined);
      request.end(JSON.stringify({ Image: 'busybox', HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8080' }] } } }));
      await until(() => t.asked.commands.length === 1);
      expect(t.asked.networks.claims.size).toBe(1);
      request.destroy();
      await until(() => t.asked.commands.length === 2);
      const [run, cancel] = t.asked.commands;
      if (run?.kind !== 'run') throw new Error('the first command is no run');
      expect(cancel).toEqual({ kind: 'cancel-run', requestId: run.request.id });
      open();
      const supplier = t.asked.placeOn ?? t.asked;
      await until(() => supplier.commands.some((command) => command.kind === 'remove'));
      expect(supplier.commands.at(-1)).toEqual({ kind: 'remove', containerId: run.request.containerId, force: true, volumes: true });
      expect(t.asked.networks.claims.size).toBe(0);
    },
  );

  it('streams an upload to images/load without gathering it', async () => {
    const t = await twoNodes();
    const archive = Readable.from(
      (function* () {
        for (let i = 0; i < 64; i++) yield Buffer.alloc(1024 * 1024);
      })(),
    );
    const progress = await t.docker.loadImage(archive);
    expect(await textOf(progress)).toContain(`loaded:${64 * 1024 * 1024}`);
  });

  it('streams events of all nodes', async () => {
    const t = await twoNodes();
    const events = (await t.docker.getEvents({ filters: { type: ['container'], event: ['start', 'die'] } })) as Readable;
    const { containerId } = t.second.put('web').request;
    await t.docker.getContainer('web').start();
    t.second.exit(containerId, 7);
    let text = '';
    for await (const chunk of events) {
      text += String(chunk);
      if (text.trim().split('\n').length === 2) break;
    }
    const messages = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { Action: string; Actor: { Attributes: Record<string, string> } });
    expect(messages.map((m) => m.Action)).toEqual(['start', 'die']);
    expect(messages[1]?.Actor.Attributes).toMatchObject({ name: 'web', exitCode: '7', 'caravela.node': 'node-2' });
    await until(() => t.second.listeners === 0);
  });

  it('ends a wait in an error when the node that has the container goes away', async () => {
    const t = await twoNodes();
    t.second.put('web', { state: 'running' });
    const body = await new Promise<Readable>((resolve) => {
      httpRequest({ socketPath: t.asked.socketPath, method: 'POST', path: '/containers/web/wait' }, resolve).end();
    });
    const ended = textOf(body).catch((error: Error) => error.message);
    await t.second.close();
    expect(await ended).toBe('aborted');
  });

  it('ends every wait of a container that fails to start, as a shell would call it', async () => {
    const t = await twoNodes();
    const container = await t.docker.createContainer({ Image: 'busybox', Cmd: ['nosuch'], HostConfig: { AutoRemove: true } });
    const attached = await container.attach({ stream: true, stdout: true, hijack: true });
    const waiting = container.wait({ condition: 'removed' });
    await until(() => t.second.listeners === 2);
    await expect(container.start()).rejects.toMatchObject({ statusCode: 400 });
    expect(await waiting).toEqual({ StatusCode: 127 });
    expect(await textOf(attached)).toBe('');
  });

  it('bounds the streams that are open at one time', async () => {
    const t = await twoNodes();
    t.second.put('web', { state: 'running' });
    const requests: ClientRequest[] = [];
    // In batches, as a socket's backlog is shorter.
    while (requests.length < API_LIMITS.viewers) {
      for (let i = 0; i < 128; i++) {
        const request = httpRequest({ socketPath: t.second.socketPath, method: 'POST', path: '/containers/web/wait' });
        request.on('error', () => undefined).end();
        requests.push(request);
      }
      await until(() => t.second.listeners === requests.length);
    }
    const refused = await t.second.api.app.inject({ method: 'POST', url: '/containers/web/wait' });
    expect(refused.statusCode).toBe(503);
    for (const request of requests) request.destroy();
    await until(() => t.second.listeners === 0);
  });

  it('listens on a socket that only root and its group may use, and never takes one that is answered', async () => {
    const t = await twoNodes();
    expect(statSync(t.asked.socketPath).mode & 0o777).toBe(0o660);
    await expect(t.second.api.listen(t.asked.socketPath)).rejects.toThrow('another daemon answers');
  });
});
