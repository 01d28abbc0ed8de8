/** The contract of Transport, run against every adapter. Test code. */
import { buffer, text } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { LIMITS } from '../core/model/index.ts';
import type { Address, Message, NodeId } from '../core/model/index.ts';
import { PeerUnreachable } from './port.ts';
import type { Transport } from './port.ts';

export interface TestNode {
  readonly id: NodeId;
  readonly transport: Transport & {
    onPeerRequest(handler: (peer: NodeId, request: Http2ServerRequest, response: Http2ServerResponse) => void): void;
  };
  readonly received: { readonly from: NodeId; readonly message: Message }[];
  readonly address: Address;
  /** What this node believes of others. */
  readonly book: Map<NodeId, Address>;
}

export interface TestNet {
  /** Nodes that know each other. */
  start(count: number): Promise<TestNode[]>;
  /** The same node again, at another address; the old one is closed. Others are not told. */
  move(node: TestNode): Promise<TestNode>;
  stop(): Promise<void>;
}

export const ping = (target: NodeId, sequence = 1): Message => ({ kind: 'ping', sequence, target, gossip: [], hints: [] });

/** A message too long for a datagram, of a kind that usually goes as one. */
export function longMessage(): Message {
  const considered = Array.from({ length: LIMITS.considered }, (_, i) => ({
    nodeId: i.toString(16).padStart(32, '0') as NodeId,
    name: `node-${i}`,
    accepted: false,
    reason: 'memory' as const,
    detail: 'it has less memory free than was asked for',
    free: { cpuMillicores: 100, memoryBytes: 1024 },
    score: undefined,
  }));
  return { kind: 'not-found', requestId: 'a'.repeat(32) as never, attempt: 1, asked: 8, considered };
}

export async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('what was waited for did not happen in 10 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Answers with who asked, what, and the body. */
export function echo(peer: NodeId, request: Http2ServerRequest, response: Http2ServerResponse): void {
  response.writeHead(200, { 'x-peer': peer, 'x-path': request.url, 'x-given': String(request.headers['x-given'] ?? '') });
  request.pipe(response);
}

export function transportContract(name: string, net: () => TestNet): void {
  describe(`the contract of a transport: ${name}`, () => {
    let open: TestNet | undefined;
    afterEach(() => open?.stop());
    const start = async (count: number): Promise<[TestNode, TestNode, TestNode]> => {
      open = net();
      return (await open.start(count)) as [TestNode, TestNode, TestNode];
    };

    test('messages arrive with their sender, short ones and long ones, and at oneself', async () => {
      const [a, b] = await start(2);
      const request: Message = { kind: 'sync-request', buckets: [1, 2, 3] };
      const sent = [ping(b.id), request, longMessage()];
      for (const message of sent) a.transport.send(b.id, message);
      a.transport.send(a.id, ping(a.id, 7));
      await until(() => b.received.length === sent.length && a.received.length === 1);
      expect(new Set(b.received.map(({ from }) => from))).toEqual(new Set([a.id]));
      for (const message of sent) expect(b.received.map((entry) => entry.message)).toContainEqual(message);
      expect(a.received).toEqual([{ from: a.id, message: ping(a.id, 7) }]);
    });

    test('a burst of messages that no datagram takes arrives whole', async () => {
      const [a, b] = await start(2);
      const burst = Array.from({ length: 500 }, (_, i): Message => ({ kind: 'sync-request', buckets: [i] }));
      for (const message of burst) a.transport.send(b.id, message);
      await until(() => b.received.length >= burst.length);
      const buckets = b.received.map(({ message }) => (message.kind === 'sync-request' ? message.buckets[0] : undefined));
      expect(buckets.toSorted((x, y) => Number(x) - Number(y))).toEqual(burst.map((_, i) => i));
    });

    test('sending to nobody, or to a node that is gone, is silent', async () => {
      const [a, b] = await start(2);
      await b.transport.close();
      a.transport.send('f'.repeat(32) as NodeId, ping(a.id));
      a.transport.send(b.id, ping(b.id));
      a.transport.send(b.id, longMessage());
      a.transport.send(a.id, ping(a.id));
      await until(() => a.received.length === 1);
      expect(b.received).toEqual([]);
    });

    test('a request carries method, path, headers and body both ways', async () => {
      const [a, b] = await start(2);
      b.transport.onPeerRequest(echo);
      const response = await a.transport.request(b.id, {
        method: 'POST',
        path: '/api/x?y=1',
        headers: { 'X-Given': 'yes', connection: 'upgrade' },
        body: Buffer.from('hello'),
        timeoutMs: 5_000,
      });
      expect(response.status).toBe(200);
      expect(response.headers).toMatchObject({ 'x-peer': a.id, 'x-path': '/api/x?y=1', 'x-given': 'yes' });
      expect(await text(response.body)).toBe('hello');
    });

    test('a large body streams through, and is read as slowly as the reader likes', async () => {
      const [a, b] = await start(2);
      let produced = 0;
      const chunk = Buffer.alloc(64 * 1024, 7);
      b.transport.onPeerRequest((_peer, _request, response) => {
        response.writeHead(200);
        Readable.from(
          (function* () {
            for (; produced < 256; produced++) yield chunk;
          })(),
        ).pipe(response);
      });
      const { body } = await a.transport.request(b.id, { method: 'GET', path: '/blob', timeoutMs: 5_000 });
      // The window is far smaller than the blob: the producer must have stopped, other requests go on.
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(produced).toBeLessThan(128);
      expect((await buffer(body)).length).toBe(256 * chunk.length);
    });

    test('an answer may be read long after it was sent whole, or not at all', async () => {
      const [a, b] = await start(2);
      const size = 100 * 1024;
      b.transport.onPeerRequest((_peer, request, response) => {
        if (request.method === 'HEAD') response.writeHead(200, { 'x-size': String(size) }).end();
        else response.writeHead(200).end(Buffer.alloc(size));
      });
      const ask = (method: string) => a.transport.request(b.id, { method, path: '/', timeoutMs: 5_000 });
      const late = await ask('GET');
      (await ask('GET')).body.destroy();
      const head = await ask('HEAD');
      expect(head.headers['x-size']).toBe(String(size));
      expect(await text(head.body)).toBe('');
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect((await buffer(late.body)).length).toBe(size);
    });

    test('a stream stays open both ways until it is ended', async () => {
      const [a, b] = await start(2);
      b.transport.onPeerRequest(echo);
      const input = new Readable({ read() {} });
      const { body } = await a.transport.request(b.id, { method: 'POST', path: '/attach', body: input, timeoutMs: 5_000 });
      const heard: string[] = [];
      body.on('data', (bytes: Buffer) => heard.push(bytes.toString()));
      input.push('one');
      await until(() => heard.join('') === 'one');
      input.push('two');
      await until(() => heard.join('') === 'onetwo');
      const ended = new Promise((resolve) => body.once('end', resolve));
      input.push(null);
      await ended;
      expect(heard.join('')).toBe('onetwo');
    });

    test('who is unknown, gone, or too slow is unreachable, and the error says which', async () => {
      const [a, b, c] = await start(3);
      const ask = (to: NodeId, timeoutMs = 5_000) => a.transport.request(to, { method: 'GET', path: '/', timeoutMs });
      await expect(ask('f'.repeat(32) as NodeId)).rejects.toThrow(/address of node ffffffffffff is not known/);
      b.transport.onPeerRequest(() => {});
      await expect(ask(b.id, 50)).rejects.toThrow(/did not answer within 50 ms/);
      await c.transport.close();
      await expect(ask(c.id)).rejects.toThrow(PeerUnreachable);
    });

    test('a peer that dies before its answer, or in the middle of it, is noticed', async () => {
      const [a, b] = await start(2);
      let asked = 0;
      b.transport.onPeerRequest((_peer, request, response) => {
        asked += 1;
        if (request.url === '/half') response.writeHead(200).write('half');
      });
      const silent = a.transport.request(b.id, { method: 'POST', path: '/silent', timeoutMs: 60_000 });
      const { body } = await a.transport.request(b.id, { method: 'GET', path: '/half', timeoutMs: 60_000 });
      let ended = false;
      body.on('data', () => {}).on('end', () => (ended = true));
      const broken = new Promise<unknown>((resolve) => body.once('error', resolve));
      await until(() => asked === 2);
      const failure = silent.catch((error: unknown) => error);
      await b.transport.close();
      expect(await failure).toBeInstanceOf(PeerUnreachable);
      expect(await broken).toBeInstanceOf(PeerUnreachable);
      expect(ended).toBe(false);
    });

    test('an abort ends a request before and after its headers', async () => {
      const [a, b] = await start(2);
      let closed = 0;
      b.transport.onPeerRequest((_peer, request, response) => {
        request.stream.once('close', () => (closed += 1));
        if (request.url === '/open') response.writeHead(200).write('x');
      });
      const early = new AbortController();
      const waiting = a.transport.request(b.id, { method: 'GET', path: '/wait', timeoutMs: 60_000, signal: early.signal });
      const late = new AbortController();
      const { body } = await a.transport.request(b.id, { method: 'GET', path: '/open', timeoutMs: 60_000, signal: late.signal });
      const broken = new Promise<unknown>((resolve) => body.once('error', resolve));
      early.abort(new Error('enough'));
      late.abort(new Error('enough of this, too'));
      await expect(waiting).rejects.toThrow('enough');
      expect(String(await broken)).toContain('enough of this, too');
      await until(() => closed === 2);
    });

    test('a node that moved is found at its new address, a stranger at the old one is not taken for it', async () => {
      const [a, b, c] = await start(3);
      b.transport.onPeerRequest(echo);
      const get = () => a.transport.request(b.id, { method: 'GET', path: '/', timeoutMs: 5_000 });
      (await get()).body.resume();
      const moved = await open!.move(b);
      moved.transport.onPeerRequest(echo);
      a.book.set(b.id, c.address);
      await expect(get()).rejects.toThrow(`node ${c.id} answered, not ${b.id}`);
      a.book.set(b.id, moved.address);
      const response = await get();
      expect(await text(response.body)).toBe('');
      a.transport.send(b.id, ping(b.id, 9));
      await until(() => moved.received.length === 1);
    });

    test('many requests at a time share the way, and messages get through beside them', async () => {
      const [a, b] = await start(2);
      b.transport.onPeerRequest((peer, request, response) => {
        if (request.url === '/hold') response.writeHead(200).write('held');
        else echo(peer, request, response);
      });
      const ask = (path: string) => a.transport.request(b.id, { method: 'GET', path, timeoutMs: 20_000 });
      const held = await Promise.all(Array.from({ length: 300 }, () => ask('/hold')));
      a.transport.send(b.id, longMessage());
      await until(() => b.received.length === 1);
      (await ask('/more')).body.resume();
      for (const { body } of held) body.destroy();
      expect(held).toHaveLength(300);
    });
  });
}
