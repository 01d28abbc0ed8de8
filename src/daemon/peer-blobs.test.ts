import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { type NodeId, nodeId } from '../core/model/index.ts';
import { type PeerRequest, type PeerResponse, PeerUnreachable } from '../transport/port.ts';
import { peerBlobs } from './peer-blobs.ts';

const id = (n: number) => nodeId(n.toString(16).padStart(32, '0'));
const signal = new AbortController().signal;

function peers(holding: Record<number, readonly string[]>, gone: readonly number[] = []) {
  const asked: string[] = [];
  const request = async (peer: NodeId, { method, path }: PeerRequest): Promise<PeerResponse> => {
    const n = Number.parseInt(peer, 16);
    asked.push(`${method} ${n}`);
    if (gone.includes(n)) throw new PeerUnreachable(peer, 'gone');
    const digest = path.slice('/blobs/'.length);
    const has = holding[n]?.includes(digest) === true;
    return { status: has ? 200 : 404, headers: { 'content-length': '4' }, body: Readable.from(has && method === 'GET' ? ['blob'] : []) };
  };
  return { asked, request };
}

test('finds who holds a blob and asks it first for the next', async () => {
  const { asked, request } = peers({ 2: ['sha256:a', 'sha256:b'] }, [1]);
  const source = peerBlobs({ candidates: [id(1), id(2), id(3)], request });
  const blob = await source.open('sha256:a', signal);
  expect(blob?.sizeBytes).toBe(4);
  expect((await blob?.stream.toArray())?.join('')).toBe('blob');
  expect(asked).toEqual(['HEAD 1', 'HEAD 2', 'HEAD 3', 'GET 2']);
  asked.length = 0;
  await source.open('sha256:b', signal);
  expect(asked[0]).toBe('HEAD 2');
});

test('is undefined where nobody has it, whoever is gone', async () => {
  const { request } = peers({}, [1, 2]);
  expect(await peerBlobs({ candidates: [id(1), id(2)], request }).open('sha256:a', signal)).toBeUndefined();
  expect(await peerBlobs({ candidates: [], request }).open('sha256:a', signal)).toBeUndefined();
});
