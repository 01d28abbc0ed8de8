import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { pipeline } from 'node:stream/promises';
import type { ImageStore } from '../engine/port.ts';

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Gives a peer a blob of ours: GET or HEAD, 404 where we have it not. The reader verifies the digest. */
export async function serveBlob(
  images: ImageStore,
  digest: string,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
): Promise<void> {
  try {
    const blob = DIGEST.test(digest) ? await images.openBlob(digest) : undefined;
    if (blob === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': blob.sizeBytes });
    if (request.method === 'HEAD') {
      blob.stream.destroy();
      response.end();
      return;
    }
    await pipeline(blob.stream, response);
  } catch {
    // The peer went away, or the disk failed: it sees a broken stream and asks somebody else.
    response.stream.destroy();
  }
}
