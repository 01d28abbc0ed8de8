import { connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { type BlobServerParts, serveBlob } from './blob-server.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const CONTENT = 'hello, blob';

async function server(parts: Partial<BlobServerParts> = {}) {
  const openBlob: BlobServerParts['images']['openBlob'] = async (digest, fromByte = 0) =>
    digest === DIGEST ? { sizeBytes: CONTENT.length, stream: Readable.from([Buffer.from(CONTENT.slice(fromByte))]) } : undefined;
  const all = { images: { openBlob }, isComing: () => false, ...parts };
  const listening = createServer((request, response) => void serveBlob(all, request.url.slice('/blobs/'.length), request, response));
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve);
  });
  const session = connect(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`);
  onTestFinished(() => {
    session.destroy();
    listening.close();
  });
  return async (path: string, headers: Record<string, string> = {}) => {
    const stream = session.request({ ':path': `/blobs/${path}`, ...headers });
    const head = await new Promise<Record<string, unknown>>((resolve, reject) => {
      stream.on('response', resolve);
      stream.on('error', reject);
    });
    return { status: head[':status'], head, body: await text(stream) };
  };
}

test('gives a blob whole, in part, or only says that it is here', async () => {
  const ask = await server();
  expect(await ask(DIGEST)).toMatchObject({ status: 200, head: { 'content-length': '11', 'accept-ranges': 'bytes' }, body: CONTENT });
  expect(await ask(DIGEST, { range: 'bytes=7-' })).toMatchObject({
    status: 206,
    head: { 'content-length': '4', 'content-range': 'bytes 7-10/11' },
    body: 'blob',
  });
  expect(await ask(DIGEST, { ':method': 'HEAD' })).toMatchObject({ status: 200, body: '' });
});

test('refuses a range beyond the end, and what is no digest', async () => {
  const ask = await server();
  expect(await ask(DIGEST, { range: 'bytes=11-' })).toMatchObject({ status: 416, head: { 'content-range': 'bytes */11' } });
  expect(await ask('../etc/passwd')).toMatchObject({ status: 404 });
  expect(await ask(`${DIGEST}?wait=1234567`)).toMatchObject({ status: 404 });
  // What is no range of this form is the whole of it, as RFC 9110 has it.
  expect(await ask(DIGEST, { range: 'bytes=1-2' })).toMatchObject({ status: 200, body: CONTENT });
});

test('waits for what comes, as long as it is asked to', async () => {
  let looks = 0;
  const openBlob = async () => (++looks < 3 ? undefined : { sizeBytes: 2, stream: Readable.from([Buffer.from('ok')]) });
  const ask = await server({ images: { openBlob }, isComing: () => true });
  expect(await ask(`${DIGEST}?wait=20000`)).toMatchObject({ status: 200, body: 'ok' });
  looks = -1_000;
  expect(await ask(`${DIGEST}?wait=1`)).toMatchObject({ status: 202 });
  expect(await ask(DIGEST)).toMatchObject({ status: 404 });
});

test('does not wait for what will not come', async () => {
  const ask = await server({ images: { openBlob: async () => undefined } });
  expect(await ask(`${DIGEST}?wait=20000`)).toMatchObject({ status: 404 });
});
