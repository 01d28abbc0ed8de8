import { connect } from 'node:http2';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Member, NodeId } from '../../core/model/index.ts';
import { TestInstance } from '../test-instance.ts';
import type { RealNode } from '../test-instance.ts';
import { createRequest, signNode } from '../trust/authority.ts';
import { createGossipKeys, checkGossipKeys } from '../trust/gossip-keys.ts';
import { createIdentity } from '../trust/identity.ts';
import type { Identity } from '../trust/identity.ts';
import { newToken } from '../trust/token.ts';
import type { JoinToken } from '../trust/token.ts';
import type { JoinHost } from './desk.ts';
import { JoinError } from './join-error.ts';
import { joinInstance } from './join-instance.ts';
import type { JoinOptions } from './join-instance.ts';
import { checkJoinGrant, checkJoinRequest, formatJoinGrant, JOIN_PATH } from './messages.ts';
import type { Applicant, JoinGrant } from './messages.ts';

let instance: TestInstance;
let creator: RealNode;
let other: RealNode;
let token: JoinToken;
let host: JoinHost & { open: boolean; used: NodeId | undefined; revoked: Set<NodeId>; names: Map<NodeId, number> };
const servers: Server[] = [];

beforeEach(async () => {
  instance = await TestInstance.create();
  [creator, other] = (await instance.start(2)) as [RealNode, RealNode];
  token = newToken(instance.authority.certificatePem);
  const names = new Map<NodeId, number>();
  host = {
    open: false,
    used: undefined,
    revoked: new Set(),
    names,
    authorities: () => 'here',
    isOpen: () => host.open,
    isRevoked: (id) => host.revoked.has(id),
    obstacle: ({ routes }) => (routes.length > 0 ? `its route ${routes[0]?.block} is in the way` : undefined),
    async redeem(secret, id) {
      if (!Buffer.from(secret).equals(token.secret)) return { ok: false, why: 'token-unknown', tokenId: 'abc' };
      if (host.used !== undefined && host.used !== id) return { ok: false, why: 'token-used', tokenId: 'abc' };
      host.used = id;
      return { ok: true, tokenId: 'abc' };
    },
    async assign(applicant) {
      const number = names.get(applicant.nodeId) ?? names.size + 3;
      names.set(applicant.nodeId, number);
      return { name: `${applicant.name}-${number}`, number };
    },
    sign: (requestPem, id) => signNode(instance.authority, requestPem, id),
    describe: async () => ({
      caPem: instance.authority.certificatePem,
      instance: JSON.stringify({ id: instance.id }),
      gossipKeys: instance.gossipKeys,
      members: [memberOf(creator)],
      agreed: 'QWdyZWVk',
    }),
  };
  creator.transport.onJoin(host);
  other.transport.onJoin({ ...host, authorities: () => [creator.id], redeem: () => Promise.reject(new Error('must be forwarded')) });
});

afterEach(async () => {
  await instance.stop();
  for (const server of servers.splice(0)) server.close();
});

function memberOf(node: RealNode): Member {
  const { id, address } = node;
  return {
    id,
    address,
    name: 'first',
    number: 1,
    incarnation: 1,
    class: 'low',
    arch: 'amd64',
    labels: { disk: 'ssd' },
    capacity: { cpuMillicores: 2000, memoryBytes: 2 ** 30 },
    underlayMtu: 1500,
    version: '0.1.0',
    draining: false,
    state: 'alive',
  };
}

function applicantOf(identity: Identity, ip: string): Applicant {
  const address = { ip, controlPort: 8001, gossipPort: 8000 };
  return {
    nodeId: identity.nodeId,
    name: 'edge',
    address,
    class: 'low',
    arch: 'arm64',
    labels: { site: 'north' },
    version: '0.1.0',
    routes: [],
  };
}

async function join(at: RealNode | number, given: JoinToken | undefined, identity = createIdentity(), more: Partial<JoinOptions> = {}) {
  return joinInstance({
    host: typeof at === 'number' ? '127.0.0.1' : at.address.ip,
    port: typeof at === 'number' ? at : at.address.controlPort,
    token: given,
    requestPem: await createRequest(identity.privateKeyPem),
    describe: (ip) => applicantOf(identity, ip),
    ...more,
  });
}

async function failure(promise: Promise<unknown>): Promise<JoinError> {
  const error = await promise.catch((reason: unknown) => reason);
  if (!(error instanceof JoinError)) throw new Error(`expected a JoinError, got ${String(error)}`);
  return error;
}

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

test('a token lets a node in, which then talks to the others', async () => {
  const identity = createIdentity();
  const joined = await join(creator, token, identity);
  expect(joined).toMatchObject({ name: 'edge-3', number: 3, agreed: 'QWdyZWVk', trustedOnFirstUse: false, members: [memberOf(creator)] });
  expect(JSON.parse(joined.instance)).toEqual({ id: instance.id });
  const node = await instance.node(identity, creator.book, joined.certificatePem);
  creator.transport.onPeerRequest((peer, _request, response) => response.writeHead(200).end(peer));
  const response = await node.transport.request(creator.id, { method: 'GET', path: '/', timeoutMs: 5_000 });
  expect(response.status).toBe(200);
  response.body.resume();
});

test('a node that cannot sign passes a join on, and its refusal back', async () => {
  expect(await join(other, token)).toMatchObject({ name: 'edge-3' });
  expect((await failure(join(other, token))).code).toBe('token-used');
  await creator.transport.close();
  const error = await failure(join(other, token));
  expect(error.code).toBe('no-authority');
  expect(error.retry).toBe(true);
  expect(error.message).toContain(creator.id.slice(0, 12));
});

test('a join may be repeated: same name, same number, single use or not', async () => {
  const identity = createIdentity();
  const first = await join(creator, token, identity);
  const again = await join(other, token, identity);
  expect([again.name, again.number]).toEqual([first.name, first.number]);
  expect(host.names.size).toBe(1);
});

test('refusals say what to do', async () => {
  expect((await failure(join(creator, undefined))).message).toContain('CARAVELA_TOKEN');
  const wrong = await failure(join(creator, { ...token, secret: Buffer.alloc(24) }));
  expect([wrong.code, wrong.message]).toEqual(['token-unknown', expect.stringContaining('caravela token create')]);
  const identity = createIdentity();
  host.revoked.add(identity.nodeId);
  expect((await failure(join(creator, token, identity))).code).toBe('revoked');
  expect(host.names.size).toBe(0);
});

test('an open instance takes a node without a token, which says that it trusted on first use', async () => {
  host.open = true;
  const joined = await join(creator, undefined);
  expect(joined.trustedOnFirstUse).toBe(true);
  expect(joined.caDigest).toBe(token.caDigest.toString('hex'));
});

test('a host that can’t take part is told why before its token is spent', async () => {
  const identity = createIdentity();
  const describe = (ip: string) => ({ ...applicantOf(identity, ip), routes: [{ block: '10.0.0.0/8', device: 'eth0' }] });
  const error = await failure(join(creator, token, identity, { describe }));
  expect([error.code, error.message, host.used]).toEqual(['overlap', 'its route 10.0.0.0/8 is in the way', undefined]);
  expect(await join(creator, token)).toMatchObject({ number: 3 });
});

test('strangers who begin to ask and do not go on keep nobody out', async () => {
  const { ip, controlPort } = creator.address;
  const sessions = Array.from({ length: 2 }, () => connect(`https://${ip}:${controlPort}`, { rejectUnauthorized: false }));
  const streams = Array.from({ length: 20 }, (_, n) => sessions[n % 2]!.request({ ':method': 'POST', ':path': JOIN_PATH }));
  for (const stream of streams) stream.on('error', () => {}).write('{');
  await Promise.all(sessions.map((session) => new Promise((resolve) => session.ping(resolve))));
  expect(await join(creator, token)).toMatchObject({ number: 3 });
  for (const session of sessions) session.destroy();
});

test('nothing is sent to a node of another instance', async () => {
  const stranger = await TestInstance.create();
  const [impostor] = (await stranger.start(1)) as [RealNode];
  let asked = false;
  impostor.transport.onJoin({ ...host, authorities: () => ((asked = true), 'here') });
  const error = await failure(join(impostor, token));
  await stranger.stop();
  expect([error.code, asked]).toEqual(['ca-mismatch', false]);
  expect(error.message).toContain('belongs to another instance');
});

test('a certificate request for the identity of another is refused', async () => {
  const thief = createIdentity();
  const error = await failure(
    join(creator, token, createIdentity(), {
      requestPem: await createRequest(thief.privateKeyPem),
      describe: (ip) => applicantOf(createIdentity(), ip),
    }),
  );
  expect(error.message).toContain(`the request is of node ${thief.nodeId}`);
});

test('who is not there, or is no caravela node, is told apart', async () => {
  const closed = createServer();
  const port = await listening(closed);
  await new Promise((resolve) => closed.close(resolve));
  const refused = await failure(join(port, token));
  expect([refused.code, refused.retry]).toEqual(['unreachable', true]);
  expect(refused.message).toContain(`127.0.0.1:${port} over TCP (connection refused)`);
  expect(refused.message).toContain('8001/tcp, 8000/udp and 4789/udp');

  const web = createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  expect((await failure(join(await listening(web), token))).code).toBe('not-caravela');
  const mute = createServer((socket) => socket.on('error', () => {}));
  expect((await failure(join(await listening(mute), token, createIdentity(), { connectTimeoutMs: 100 }))).code).toBe('not-caravela');
  const tls = createTlsServer({ key: instance.authority.privateKeyPem, cert: instance.authority.certificatePem });
  expect((await failure(join(await listening(tls), token))).code).toBe('not-caravela');
});

test('another wire version is told in words, before anything else is looked at', async () => {
  const { connect } = await import('node:http2');
  const session = connect(`https://${creator.address.ip}:${creator.address.controlPort}`, { rejectUnauthorized: false });
  const ask = (body: unknown) =>
    new Promise<{ code: string; message: string }>((resolve) => {
      const stream = session.request({ ':method': 'POST', ':path': '/join' });
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => resolve(JSON.parse(text)));
      stream.end(JSON.stringify(body));
    });
  expect(await ask({ wireVersion: 200, shape: 'new' })).toMatchObject({
    code: 'wire-version',
    message: expect.stringContaining('the instance is older'),
  });
  expect(await ask({ wireVersion: 0 })).toMatchObject({ code: 'wire-version', message: expect.stringContaining('this node is older') });
  expect(await ask({ wireVersion: 1, nodeId: 'x' })).toMatchObject({ code: 'bad-request', message: expect.stringContaining('nodeId') });
  expect(await ask('x'.repeat(140_000))).toMatchObject({ message: expect.stringContaining('longer than 131072') });
  session.destroy();
});

test('junk is no join request and no grant, and a grant survives formatting', async () => {
  const junk = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom('nodeId', 'name', 'address', 'labels', 'members', 'secret'), fc.jsonValue()),
  );
  fc.assert(
    fc.property(junk, (value) => {
      expect(() => checkJoinRequest(value)).toThrow(/must be/);
      expect(() => checkJoinGrant(value)).toThrow(/must be/);
    }),
  );
  const certificatePem = instance.authority.certificatePem;
  const gossipKeys = checkGossipKeys(createGossipKeys());
  const grant: JoinGrant = {
    certificatePem,
    caPem: certificatePem,
    instance: '{}',
    gossipKeys,
    members: [memberOf(creator), memberOf(other)],
    name: 'a',
    number: 1,
    agreed: '',
  };
  const read = checkJoinGrant(JSON.parse(formatJoinGrant(grant)));
  expect({ ...read, certificatePem: '', caPem: '' }).toEqual({ ...grant, certificatePem: '', caPem: '' });
});
