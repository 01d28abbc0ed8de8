import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ImageStore } from '../engine/port.ts';

const TARGET = /^(sha256:[0-9a-f]{64})(?:\?wait=(\d{1,6}))?$/;
const RANGE = /^bytes=(\d{1,15})-$/;
/** The longest that a peer is kept waiting for a blob that comes, and how often we look. */
const WAIT_MS = 30_000;
const LOOK_MS = 100;

export interface BlobServerParts {
  readonly images: Pick<ImageStore, 'openBlob'>;
  /** Whether this node gets the blob from a registry just now. */
  readonly isComing: (digest: string) => boolean;
}

/**
 * Gives a peer a blob of ours: GET or HEAD; from a byte on with `Range: bytes=N-` (206). 404 where we have it not; where
 * it comes, `?wait=ms` waits for it so long, then answers 202. The reader verifies the digest.
 * @param target what follows BLOBS_PATH
 */
export async function serveBlob(
  parts: BlobServerParts,
  target: string,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
): Promise<void> {
  try {
    const [, digest, waitMs = '0'] = TARGET.exec(target) ?? [];
    const fromByte = Number(RANGE.exec(request.headers.range ?? '')?.[1] ?? 0);
    const blob = digest === undefined ? undefined : await awaited(parts, digest, fromByte, Number(waitMs));
    if (blob === undefined) {
      const isComing = digest !== undefined && parts.isComing(digest);
      response.writeHead(isComing && waitMs !== '0' ? 202 : 404).end();
      return;
    }
    const { sizeBytes, stream } = blob;
    const isPart = fromByte > 0 && fromByte < sizeBytes;
    if (fromByte > 0 && !isPart) {
      stream.destroy();
      response.writeHead(416, { 'content-range': `bytes */${sizeBytes}` }).end();
      return;
    }
    response.writeHead(isPart ? 206 : 200, {
      'content-type': 'application/octet-stream',
      'content-length': sizeBytes - fromByte,
      'accept-ranges': 'bytes',
      ...(isPart ? { 'content-range': `bytes ${fromByte}-${sizeBytes - 1}/${sizeBytes}` } : {}),
    });
    if (request.method === 'HEAD') {
      stream.destroy();
      response.end();
      return;
    }
    await pipeline(stream, response);
  } catch {
    // The peer went away, or the disk failed: it sees a broken stream and asks somebody else.
    response.stream.destroy();
  }
}

async function awaited(
  { images, isComing }: BlobServerParts,
  digest: string,
  fromByte: number,
  waitMs: number,
): ReturnType<ImageStore['openBlob']> {
  const untilMs = performance.now() + Math.min(waitMs, WAIT_MS);
  for (;;) {
    const blob = await images.openBlob(digest, fromByte);
    if (blob !== undefined || performance.now() >= untilMs || !isComing(digest)) return blob;
    await sleep(LOOK_MS);
  }
}
