/** What strangers, members of other instances, removed nodes and broken peers can do: nothing. */
import { createSocket } from 'node:dgram';
import { connect as connectHttp2 } from 'node:http2';
import type { ClientHttp2Session, SecureClientSessionOptions } from 'node:http2';
import { connect as connectTcp, createServer } from 'node:net';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import { LIMITS } from '../core/model/index.ts';
import type { Message, NodeId } from '../core/model/index.ts';
import { echo, longMessage, ping, until } from './contract.ts';
import { createTransport } from './node-transport.ts';
import { PeerUnreachable } from './port.ts';
import { startError } from './start-error.ts';
import { TestInstance } from './test-instance.ts';
import type { RealNode } from './test-instance.ts';
import { createRequest, signNames } from './trust/authority.ts';
import { createIdentity } from './trust/identity.ts';

const instances: TestInstance[] = [];
const sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await Promise.all(instances.splice(0).map((instance) => instance.stop()));
});

async function start(count: number): Promise<{ instance: TestInstance; nodes: [RealNode, RealNode] }> {
  const instance = await TestInstance.create();
  instances.push(instance);
  return { instance, nodes: (await instance.start(count)) as [RealNode, RealNode] };
}

/** Status and refusal that a client with these credentials gets. */
async function get(node: RealNode, path: string, tls: SecureClientSessionOptions = {}): Promise<{ status: number; refused: unknown }> {
  const session = connectHttp2(`https://${node.address.ip}:${node.address.controlPort}`, { rejectUnauthorized: false, ...tls });
  sessions.push(session);
  return new Promise((resolve, reject) => {
    session.once('error', reject);
    const stream = session.request({ ':path': path, ':method': 'POST' });
    stream.once('error', reject);
    stream.once('response', (headers) => resolve({ status: headers[':status'] ?? 0, refused: headers['caravela-refused'] }));
    stream.end('{}');
  });
}

const STRANGER = { status: 403, refused: 'no certificate of this instance' };

test('a stranger gets nothing but the join desk', async () => {
  const { nodes } = await start(1);
  nodes[0].transport.onPeerRequest(echo);
  for (const path of ['/', '/message', '/join-forwarded', '/join/', '/join?x', '/blobs/sha256:00'])
    expect(await get(nodes[0], path)).toEqual(STRANGER);
  expect((await get(nodes[0], '/join')).status).toBe(503);
  expect(nodes[0].received).toEqual([]);
});

test('a certificate of another CA, or of ours for another purpose, does not help', async () => {
  const { instance, nodes } = await start(1);
  const { nodes: foreign } = await start(1);
  nodes[0].transport.onPeerRequest(echo);
  const key = foreign[0].identity.privateKeyPem;
  expect(await get(nodes[0], '/', { key, cert: foreign[0].certificatePem })).toEqual(STRANGER);
  const named = await signNames(instance.authority, await createRequest(key), ['m1.caravela.internal'], []);
  expect(await get(nodes[0], '/', { key, cert: named })).toEqual(STRANGER);
  const own = { key: nodes[0].identity.privateKeyPem, cert: nodes[0].certificatePem };
  expect((await get(nodes[0], '/', own)).status).toBe(200);
});

test('a node of another instance at a known address is not talked to, and hears nothing it can read', async () => {
  const { nodes } = await start(1);
  const { nodes: foreign } = await start(1);
  foreign[0].transport.onPeerRequest(echo);
  nodes[0].book.set(foreign[0].id, foreign[0].address);
  foreign[0].book.set(nodes[0].id, nodes[0].address);
  const asked = nodes[0].transport.request(foreign[0].id, { method: 'GET', path: '/', timeoutMs: 5_000 });
  await expect(asked).rejects.toThrow(PeerUnreachable);
  // The same instance id and other keys: as near as two instances can come.
  nodes[0].transport.send(foreign[0].id, ping(foreign[0].id));
  foreign[0].transport.send(nodes[0].id, longMessage());
  foreign[0].transport.send(nodes[0].id, ping(nodes[0].id));
  await until(() => foreign[0].transport.counters().datagramsRejected === 1 && nodes[0].transport.counters().datagramsRejected === 1);
  expect([...nodes[0].received, ...foreign[0].received]).toEqual([]);
});

test('a removed node is refused, in datagrams and streams, and is told', async () => {
  const { nodes } = await start(2);
  const [a, b] = nodes;
  b.transport.onPeerRequest(echo);
  (await a.transport.request(b.id, { method: 'GET', path: '/', timeoutMs: 5_000 })).body.resume();
  b.revoked.add(a.id);
  b.transport.disconnect(a.id);
  await expect(a.transport.request(b.id, { method: 'GET', path: '/', timeoutMs: 5_000 })).rejects.toThrow(
    /refused us: this node was removed/,
  );
  expect(a.refusals).toEqual(['this node was removed from the instance']);
  a.transport.send(b.id, ping(b.id));
  await until(() => b.transport.counters().datagramsRejected === 1);
  await expect(b.transport.request(a.id, { method: 'GET', path: '/', timeoutMs: 5_000 })).rejects.toThrow(PeerUnreachable);
  expect(b.received).toEqual([]);
});

test('garbage on both ports disturbs nobody', async () => {
  const { nodes } = await start(2);
  const [a, b] = nodes;
  const udp = createSocket('udp4');
  for (let i = 0; i < 200; i++) {
    udp.send(randomBytes(1 + (i % 1_400)), b.address.gossipPort, b.address.ip);
    const tcp = connectTcp(b.address.controlPort, b.address.ip);
    tcp.on('error', () => {}).end(randomBytes(1 + i * 10));
  }
  await until(() => b.transport.counters().datagramsRejected > 100);
  udp.close();
  b.transport.onPeerRequest(echo);
  const response = await a.transport.request(b.id, { method: 'GET', path: '/', timeoutMs: 5_000 });
  expect(response.status).toBe(200);
  response.body.resume();
  a.transport.send(b.id, ping(b.id));
  await until(() => b.received.length === 1);
});

test('messages of a member that are none, too long, or of unknown length are refused', async () => {
  const { nodes } = await start(2);
  const [a, b] = nodes;
  const post = async (body: Buffer, headers: Record<string, string>) => {
    const response = await a.transport.request(b.id, { method: 'POST', path: '/message', headers, body, timeoutMs: 5_000 });
    response.body.resume();
    return response.status;
  };
  const tooLong = Buffer.alloc(LIMITS.streamMessageBytes + 1);
  expect(await post(Buffer.from('junk'), { 'content-length': '4' })).toBe(400);
  expect(await post(tooLong, { 'content-length': String(tooLong.length) })).toBe(413);
  expect(await post(Buffer.alloc(10), {})).toBe(411);
  // HTTP/2 itself holds a body to the length it announced.
  await expect(post(Buffer.alloc(10), { 'content-length': '4' })).rejects.toThrow(PeerUnreachable);
  expect(b.received).toEqual([]);
});

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

test('a flood of junk datagrams does not make memory grow', async () => {
  const { nodes } = await start(2);
  const [a, b] = nodes;
  const udp = createSocket('udp4');
  a.transport.send(b.id, ping(b.id));
  await until(() => b.received.length === 1);
  // A header that gets as far as the cipher, each time of another sender.
  const flood = async (packets: number) => {
    for (let i = 0; i < packets; i++) {
      const packet = randomBytes(200);
      packet[0] = 1;
      packet[1] = 0;
      packet.write('1'.repeat(16), 2, 'hex');
      udp.send(packet, b.address.gossipPort, b.address.ip);
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const rejected = () => b.transport.counters().datagramsRejected;
  await flood(2_000);
  await until(() => rejected() > 500);
  const before = heapAfterCollection();
  const count = rejected();
  await flood(20_000);
  await until(() => rejected() > count + 2_000);
  udp.close();
  // Half a kilobyte kept for each that came would be more than 1 MB.
  expect(heapAfterCollection() - before).toBeLessThan(0.5 * 1024 * 1024);
  expect(b.received).toHaveLength(1);
});

test('a peer that freezes in the middle of a request is found out in a few seconds', async () => {
  const { instance, nodes } = await start(1);
  const identity = createIdentity();
  const frozen = await startFrozenPeer(instance, identity.privateKeyPem);
  nodes[0].book.set(frozen.id, { ip: '127.0.0.1', controlPort: frozen.port, gossipPort: 1 });
  const request = nodes[0].transport.request(frozen.id, { method: 'GET', path: '/', timeoutMs: 60_000 });
  const failure = request.catch((error: unknown) => error);
  await frozen.asked;
  frozen.stop();
  expect(String(await failure)).toContain('no answer to a ping for 2250 ms');
  frozen.kill();
});

/** A node in a process of its own that takes a request, and can then be stopped as by SIGSTOP. */
async function startFrozenPeer(instance: TestInstance, privateKeyPem: string) {
  const { signNode } = await import('./trust/authority.ts');
  const { nodeIdOfPrivateKey } = await import('./trust/identity.ts');
  const id: NodeId = nodeIdOfPrivateKey(privateKeyPem);
  const certificatePem = await signNode(instance.authority, await createRequest(privateKeyPem), id);
  const program = `
    const { createSecureServer } = require('node:http2');
    const server = createSecureServer(${JSON.stringify({ key: privateKeyPem, cert: certificatePem })});
    server.on('request', () => console.log('asked'));
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until(() => output.includes('\n'));
  return {
    id,
    port: Number.parseInt(output, 10),
    asked: until(() => output.includes('asked')),
    stop: () => child.kill('SIGSTOP'),
    kill: () => child.kill('SIGKILL'),
  };
}

test('a start that fails says which port, who has it, and what to do', async () => {
  const { instance, nodes } = await start(1);
  const [a] = nodes;
  const options = (bindIp: string, controlPort: number, gossipPort: number) => ({
    nodeId: a.id,
    instanceId: instance.id,
    credentials: { certificatePem: a.certificatePem, privateKeyPem: a.identity.privateKeyPem, caPem: instance.authority.certificatePem },
    gossipKeys: instance.gossipKeys,
    bindIp,
    controlPort,
    gossipPort,
  });
  const host = { addressOf: () => undefined, onMessage: (_from: NodeId, _message: Message) => {}, log: () => {} };
  const { ip, controlPort, gossipPort } = a.address;
  await expect(createTransport(options(ip, controlPort, 0), host)).rejects.toThrow(`port ${controlPort}/tcp on ${ip} is taken by`);
  await expect(createTransport(options(ip, 0, gossipPort), host)).rejects.toThrow(
    /pid \d+\): stop it, or choose another port with --gossip-port/,
  );
  await expect(createTransport(options('192.0.2.1', 0, 0), host)).rejects.toThrow(
    /192\.0\.2\.1 is not an address of this host \(it has .*127\.0\.0\.1 on lo/,
  );
  expect(startError(Object.assign(new Error('x'), { code: 'EACCES' }), 'tcp', ip, 80).code).toBe('not-permitted');
});

test('a peer that accepts and then says nothing is given up', async () => {
  const { nodes } = await start(1);
  const mute = createServer((socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const address = mute.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const id = createIdentity().nodeId;
  nodes[0].book.set(id, { ip: '127.0.0.1', controlPort: address.port, gossipPort: 1 });
  await expect(nodes[0].transport.request(id, { method: 'GET', path: '/', timeoutMs: 20_000 })).rejects.toThrow(
    /no connection within 3000 ms/,
  );
  mute.close();
});
