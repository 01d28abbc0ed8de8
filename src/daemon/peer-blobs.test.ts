import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { type NodeId, nodeId } from '../core/model/index.ts';
import { type PeerRequest, type PeerResponse, PeerUnreachable } from '../transport/port.ts';
import { openAt, PeerBlobs } from './peer-blobs.ts';

const id = (n: number) => nodeId(n.toString(16).padStart(32, '0'));
const signal = new AbortController().signal;
const DIGEST = 'sha256:a';

function peers(holding: Record<number, readonly string[]>, gone: readonly number[] = []) {
  const asked: string[] = [];
  const request = async (peer: NodeId, { method, path, headers }: PeerRequest): Promise<PeerResponse> => {
    const n = Number.parseInt(peer, 16);
    asked.push(`${method} ${n}`);
    if (gone.includes(n)) throw new PeerUnreachable(peer, 'gone');
    const digest = path.slice('/blobs/'.length);
    const has = holding[n]?.includes(digest) === true;
    const from = Number(/^bytes=(\d+)-$/.exec(headers?.['range'] ?? '')?.[1] ?? 0);
    const body = has && method === 'GET' ? ['blob'.slice(from)] : [];
    const status = has ? (from > 0 ? 206 : 200) : 404;
    return { status, headers: { 'content-length': String(4 - from) }, body: Readable.from(body) };
  };
  return { asked, request };
}

test('finds who holds a blob and asks it first for the next', async () => {
  const { asked, request } = peers({ 2: [DIGEST, 'sha256:b'] }, [1]);
  const source = new PeerBlobs({ candidates: [id(1), id(2), id(3)], request });
  const blob = await source.open(DIGEST, signal);
  expect(blob?.sizeBytes).toBe(4);
  expect((await blob?.stream.toArray())?.join('')).toBe('blob');
  expect(asked).toEqual(['HEAD 1', 'HEAD 2', 'HEAD 3', 'GET 2']);
  asked.length = 0;
  await source.open('sha256:b', signal);
  expect(asked).toEqual(['GET 2']);
});

test('is undefined where nobody has it, whoever is gone', async () => {
  const { request } = peers({}, [1, 2]);
  expect(await new PeerBlobs({ candidates: [id(1), id(2)], request }).open(DIGEST, signal)).toBeUndefined();
  expect(await new PeerBlobs({ candidates: [], request }).open(DIGEST, signal)).toBeUndefined();
});

test('goes on where a stream broke off, at the same peer', async () => {
  const { asked, request } = peers({ 1: [DIGEST], 2: [DIGEST] });
  const source = new PeerBlobs({ candidates: [id(1), id(2)], likeliest: id(1), request });
  await source.open(DIGEST, signal);
  asked.length = 0;
  const rest = await source.open(DIGEST, signal, 3);
  expect(rest).toMatchObject({ startsAt: 3, sizeBytes: 4 });
  expect(await text(rest?.stream ?? Readable.from([]))).toBe('b');
  expect(asked.at(-1)).toBe('GET 1');
});

test('asks a peer that gave something else for nothing more of the image', async () => {
  const { asked, request } = peers({ 1: [DIGEST, 'sha256:b'], 2: [DIGEST, 'sha256:b'] });
  const source = new PeerBlobs({ candidates: [id(1), id(2)], likeliest: id(1), request });
  await source.open(DIGEST, signal);
  expect(asked).toEqual(['GET 1']);
  asked.length = 0;
  await source.open(DIGEST, signal);
  await source.open('sha256:b', signal);
  expect(asked).toEqual(['HEAD 2', 'GET 2', 'GET 2']);
});

test('tells a blob that comes from one that does not', async () => {
  const answer = (status: number) => ({
    request: async (): Promise<PeerResponse> => ({ status, headers: {}, body: Readable.from([]) }),
  });
  const wanted = { signal, fromByte: 0, waitMs: 1 };
  expect(await openAt(answer(202), id(1), DIGEST, wanted)).toBe('coming');
  expect(await openAt(answer(404), id(1), DIGEST, wanted)).toBeUndefined();
  expect(await openAt(answer(416), id(1), DIGEST, wanted)).toBeUndefined();
});

test('waits for nobody where somebody has it', async () => {
  const { request } = peers({ 2: [DIGEST] });
  const never = (peer: NodeId, wanted: PeerRequest): Promise<PeerResponse> =>
    peer === id(1) ? new Promise(() => undefined) : request(peer, wanted);
  const blob = await new PeerBlobs({ candidates: [id(1), id(2)], request: never }).open(DIGEST, signal);
  expect(blob?.sizeBytes).toBe(4);
});

test('asks more than the first handful, and past one that says yes and gives nothing', async () => {
  const all = Array.from({ length: 30 }, (_, n) => id(n + 1));
  const { asked, request } = peers({ 1: [DIGEST], 30: [DIGEST] });
  const fickle = async (peer: NodeId, wanted: PeerRequest): Promise<PeerResponse> => {
    if (peer === id(1) && wanted.method === 'GET') throw new PeerUnreachable(peer, 'gone meanwhile');
    return request(peer, wanted);
  };
  expect(await new PeerBlobs({ candidates: all, request: fickle }).open(DIGEST, signal)).toBeDefined();
  expect(asked.at(-1)).toBe('GET 30');
});
