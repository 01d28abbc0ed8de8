import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { FrameDecoder } from '../docker-api/framing.ts';
import { FakeInstance, type FakeNode } from './fake-instance.test-helper.ts';
import { bytesOf, until } from './instance-with.test-helper.ts';

const INPUT = { openStdin: true, stdinOnce: true, command: ['cat'] };
const ATTACH = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true };

/** Asked at the first node; the container is there too, or on the second: then every byte crosses HTTP/2 both ways. */
async function twoNodes(where: 'here' | 'there') {
  const instance = await FakeInstance.of('node-1', 'node-2');
  const [asked, second] = instance.nodes as [FakeNode, FakeNode];
  return { instance, asked, home: where === 'here' ? asked : second, docker: new Docker({ socketPath: asked.socketPath }) };
}

/** Up to so many bytes; the stream stays open. */
async function take(stream: Duplex, bytes: number): Promise<string> {
  let text = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.length >= bytes) break;
  }
  return text;
}

const unframe = (data: Buffer): Buffer => Buffer.concat(new FrameDecoder().push(data).map((frame) => frame.data));

describe.each(['here', 'there'] as const)('attach, the container %s', (where) => {
  it('passes 16 MiB through standard input and back, and the input’s end', async () => {
    const t = await twoNodes(where);
    t.home.put('cat', { spec: INPUT });
    const container = t.docker.getContainer('cat');
    const stream = (await container.attach(ATTACH)) as Duplex;
    await until(() => t.home.attached === 1);
    await container.start();
    const data = Buffer.alloc(16 * 1024 * 1024, 'a line that goes there and back\n');
    const reading = bytesOf(stream);
    stream.end(data);
    const echoed = unframe(await reading);
    expect(echoed.length).toBe(data.length);
    expect(createHash('sha256').update(echoed).digest('hex')).toBe(createHash('sha256').update(data).digest('hex'));
    await until(() => t.home.attached === 0);
    expect((await container.inspect()).State.Status).toBe('exited');
  });

  it('takes input behind the body of a request that asks for no upgrade, as Docker does', async () => {
    const t = await twoNodes(where);
    t.home.put('cat', { spec: INPUT });
    const container = t.docker.getContainer('cat');
    const stream = (await container.attach({ ...ATTACH, hijack: false })) as Duplex;
    await until(() => t.home.attached === 1);
    await container.start();
    let heard = Buffer.alloc(0);
    stream.on('data', (data: Buffer) => (heard = Buffer.concat([heard, data])));
    const ended = once(stream, 'end');
    // What a parser of HTTP would take for the next request.
    stream.write('POST /x HTTP/1.1\n\n');
    await until(() => heard.length > 0);
    expect(unframe(heard).toString()).toBe('POST /x HTTP/1.1\n\n');
    await container.stop();
    await ended;
    await until(() => t.home.attached === 0);
  });

  it('takes nothing for a request that comes behind one that it answers with a stream, also where there is no input', async () => {
    const t = await twoNodes(where);
    t.home.put('cat', { state: 'running' });
    const socket = connect(t.asked.socketPath);
    let heard = '';
    socket.on('data', (data: Buffer) => (heard += data.toString()));
    socket.write('POST /containers/cat/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    await until(() => heard.endsWith('\r\n\r\n'));
    socket.write('GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n');
    // An answer of its own broke the daemon off.
    await t.docker.ping();
    await sleep(20);
    await t.docker.ping();
    expect(heard.match(/^HTTP\//gm)).toHaveLength(1);
    socket.destroy();
  });

  it('waits for the answer before it on its connection', async () => {
    const t = await twoNodes(where);
    t.home.put('cat', { state: 'running' });
    const other = t.home.put('other', { state: 'running' }).request.containerId;
    const socket = connect(t.asked.socketPath);
    let heard = '';
    socket.on('data', (data: Buffer) => (heard += data.toString()));
    const ask = (what: string): string => `POST /containers/${what} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`;
    socket.write(ask('other/wait') + ask('cat/attach?stream=1&stdout=1'));
    await until(() => heard.startsWith('HTTP/1.1 200'));
    expect(t.home.attached).toBe(0);
    t.home.exit(other, 3);
    await until(() => t.home.attached === 1 && heard.includes('multiplexed-stream'));
    expect(heard.match(/^HTTP\/1.1 200/gm)).toHaveLength(2);
    expect(heard).toContain('"StatusCode":3');
    socket.destroy();
  });

  it('takes what is typed before the start', async () => {
    const t = await twoNodes(where);
    t.home.put('cat', { spec: INPUT });
    const container = t.docker.getContainer('cat');
    const stream = (await container.attach(ATTACH)) as Duplex;
    stream.write('early\n');
    stream.end('bird\n');
    await until(() => t.home.attached === 1);
    await sleep(20);
    await container.start();
    expect(unframe(await bytesOf(stream)).toString()).toBe('early\nbird\n');
  });

  it('needs no answer before the first input', async () => {
    const t = await twoNodes(where);
    const { containerId } = t.home.put('cat', { spec: INPUT }).request;
    const socket = connect(t.asked.socketPath);
    socket.write(
      `POST /containers/${containerId}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nat once\n`,
    );
    socket.end();
    await until(() => t.home.attached === 1);
    await t.docker.getContainer('cat').start();
    const answer = (await bytesOf(socket)).toString('latin1');
    expect(answer).toMatch(/^HTTP\/1\.1 101 UPGRADED\r\n/);
    expect(answer).toContain('at once\n');
  });

  it('shows a terminal raw, keeps the detach keys from it, and leaves it running', async () => {
    const t = await twoNodes(where);
    t.home.put('tty', { spec: { ...INPUT, tty: true } });
    const container = t.docker.getContainer('tty');
    const stream = (await container.attach({ ...ATTACH, detachKeys: 'ctrl-a,d' })) as Duplex;
    await until(() => t.home.attached === 1);
    await container.start();
    stream.write('ls\n');
    expect(await take(stream, 3)).toBe('ls\n');
    stream.write('x\x01');
    expect(await take(stream, 1)).toBe('x');
    const rest = bytesOf(stream);
    stream.write('d');
    expect((await rest).toString()).toBe('');
    await until(() => t.home.attached === 0);
    expect((await container.inspect()).State.Running).toBe(true);
  });

  it('detaches by Ctrl-P Ctrl-Q unless told otherwise, and refuses keys that are none', async () => {
    const t = await twoNodes(where);
    t.home.put('tty', { state: 'running', spec: { ...INPUT, tty: true } });
    const container = t.docker.getContainer('tty');
    const stream = (await container.attach(ATTACH)) as Duplex;
    stream.write('\x10\x11');
    expect((await bytesOf(stream)).toString()).toBe('');
    await expect(container.attach({ ...ATTACH, detachKeys: 'ctrl-' })).rejects.toMatchObject({ statusCode: 400 });
  });

  it('lets go when the client has gone, noticed at the next output: until then it may only have ended its side', async () => {
    const t = await twoNodes(where);
    const { containerId } = t.home.put('web', { state: 'running', spec: { openStdin: true } }).request;
    const container = t.docker.getContainer('web');
    for (const opening of [ATTACH, { ...ATTACH, stdin: false }]) {
      const stream = (await container.attach(opening)) as Duplex;
      await until(() => t.home.attached === 1);
      if (opening.stdin) stream.write('half a ');
      await sleep(10);
      stream.destroy();
      await until(() => {
        t.home.write(containerId, 'stdout', 'anybody?\n');
        return t.home.attached === 0;
      });
    }
    expect((await container.inspect()).State.Running).toBe(true);
  });

  it('reads a plain request’s body as input, answering in plain HTTP', async () => {
    const t = await twoNodes(where);
    t.home.put('cat', { spec: INPUT });
    const answer = await new Promise<{ readonly request: ClientRequest; readonly response: IncomingMessage }>((resolve) => {
      const request = httpRequest({
        socketPath: t.asked.socketPath,
        method: 'POST',
        path: '/v1.41/containers/cat/attach?stream=1&stdin=1&stdout=1',
        headers: { 'transfer-encoding': 'chunked' },
      });
      request.on('response', (response) => resolve({ request, response }));
      request.flushHeaders();
    });
    expect(answer.response.statusCode).toBe(200);
    expect(answer.response.headers['content-type']).toBe('application/vnd.docker.raw-stream');
    await until(() => t.home.attached === 1);
    await t.docker.getContainer('cat').start();
    answer.request.end('by body\n');
    expect(unframe(await bytesOf(answer.response)).toString()).toBe('by body\n');
  });

  it('shows what was written before together with what comes', async () => {
    const t = await twoNodes(where);
    const { containerId } = t.home.put('web', { state: 'running' }).request;
    t.home.write(containerId, 'stdout', 'old\n');
    const stream = (await t.docker.getContainer('web').attach({ stream: true, stdout: true, logs: true, hijack: true })) as Duplex;
    expect(await take(stream, 12)).toContain('old\n');
    t.home.write(containerId, 'stdout', 'new\n');
    t.home.exit(containerId, 0);
    expect((await bytesOf(stream)).toString()).toContain('new\n');
  });

  it('shows what comes also of one whose output is not kept, of which there is nothing older', async () => {
    const t = await twoNodes(where);
    const { containerId } = t.home.put('web', { state: 'running', spec: { extras: { log: { driver: 'none', options: {} } } } }).request;
    const stream = (await t.docker.getContainer('web').attach({ stream: true, stdout: true, logs: true, hijack: true })) as Duplex;
    await until(() => t.home.attached === 1);
    t.home.write(containerId, 'stdout', 'new\n');
    t.home.exit(containerId, 0);
    expect(unframe(await bytesOf(stream)).toString()).toBe('new\n');
  });

  it('lets a reader go that takes nothing, with a word about it', async () => {
    const t = await twoNodes(where);
    const { containerId } = t.home.put('loud', { state: 'running' }).request;
    const stream = (await t.docker.getContainer('loud').attach({ stream: true, stdout: true, hijack: true })) as Duplex;
    stream.pause();
    await until(() => t.home.attached === 1);
    t.home.impatient();
    const text = 'x'.repeat(64 * 1024);
    for (let i = 0; i < 400 && t.home.attached > 0; i++) {
      t.home.write(containerId, 'stdout', text);
      await sleep(1);
    }
    expect(t.home.attached).toBe(0);
    expect(
      unframe(await bytesOf(stream))
        .subarray(-200)
        .toString(),
    ).toContain('its log has all of it');
  });

  it('sizes the terminal of what runs', async () => {
    const t = await twoNodes(where);
    t.home.put('tty', { state: 'running', spec: { tty: true } });
    t.home.put('idle');
    await t.docker.getContainer('tty').resize({ h: 40, w: 120 });
    await t.docker.getContainer('tty').resize({ h: 0, w: 0 });
    expect(t.home.sizes).toEqual(['40 120']);
    await expect(t.docker.getContainer('idle').resize({ h: 40, w: 120 })).rejects.toMatchObject({ statusCode: 409 });
    await expect(t.docker.getContainer('tty').resize({ h: 70_000, w: 1 })).rejects.toMatchObject({ statusCode: 400 });
  });

  it('serves a web socket: its messages are input, and what the container writes comes without frames of Docker’s', async () => {
    const t = await twoNodes(where);
    const { containerId } = t.home.put('cat', { spec: INPUT }).request;
    const socket = connect(t.asked.socketPath);
    const key = 'dGhlIHNhbXBsZSBub25jZQ==';
    const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}`;
    socket.write(`GET /v1.41/containers/cat/attach/ws?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n\r\n`);
    await until(() => t.home.attached === 1);
    await t.docker.getContainer('cat').start();
    // Masked with zeros.
    socket.write(Buffer.concat([Buffer.from([0x81, 0x83, 0, 0, 0, 0]), Buffer.from('hi\n')]));
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    await until(() => answer.endsWith('hi\n'));
    t.home.write(containerId, 'stderr', 'err\n');
    await until(() => answer.endsWith('err\n'));
    t.home.exit(containerId, 0);
    await until(() => socket.readableEnded);
    expect(answer).toMatch(/^HTTP\/1\.1 101 UPGRADED\r\n/);
    // The key and its answer are RFC 6455's own.
    expect(answer).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n');
    expect(answer.endsWith('\r\n\r\n\x82\x03hi\n\x82\x04err\n\x88\x02\x03\xe8')).toBe(true);
    const plain = await t.asked.api.app.inject({ url: '/containers/cat/attach/ws' });
    expect(plain.statusCode).toBe(400);
    const missing = await t.asked.api.app.inject({ url: '/containers/nope/attach/ws' });
    expect(missing.statusCode).toBe(404);
  });
});
