/** Takes a message posted by a peer: bounded in size, and all that are being read at a time in sum. */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { LIMITS } from '../../core/model/index.ts';
import { readBody } from './read-body.ts';

/** Message bodies in memory at a time, all peers together. */
const INBOUND_BYTES = 8 * LIMITS.streamMessageBytes;

export class MessageReceiver {
  #bytes = 0;

  /** @param deliver says whether the bytes were a message. */
  async receive(request: Http2ServerRequest, response: Http2ServerResponse, deliver: (bytes: Buffer) => boolean): Promise<void> {
    const length = Number(request.headers['content-length'] ?? Number.NaN);
    if (!Number.isInteger(length) || length < 0) return answer(response, 411);
    if (length > LIMITS.streamMessageBytes) return answer(response, 413);
    if (this.#bytes + length > INBOUND_BYTES) return answer(response, 503);
    this.#bytes += length;
    try {
      const bytes = await readBody(request, length);
      answer(response, bytes.length === length && deliver(bytes) ? 204 : 400);
    } catch {
      // The peer went away, or sent more than it said.
      answer(response, 400);
    } finally {
      this.#bytes -= length;
    }
  }
}

function answer(response: Http2ServerResponse, status: number): void {
  response.writeHead(status);
  response.end();
}
