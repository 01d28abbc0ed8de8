/**
 * Tells a body that ended from one that was cut off. Node reports both as 'end' when the session
 * breaks (tried: a GET whose server is destroyed or killed ends cleanly, with code 0), and a
 * truncated file or log must not pass for a whole one. So our servers put a trailer (RFC 9113
 * §8.1) behind every answer, and our clients fail a body that ends without it.
 */
import { constants } from 'node:http2';
import type { ClientHttp2Stream, Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { Readable } from 'node:stream';

const END_TRAILER = 'caravela-end';

/** The server's side of it, before a handler gets the request; a request cut off fails, too. */
export function markEnds(request: Http2ServerRequest, response: Http2ServerResponse): void {
  response.addTrailers({ [END_TRAILER]: '1' });
  request.stream.once('aborted', () => request.destroy(new Error('the peer went away in the middle of its request')));
  // Whoever reads or writes hears of it; a handler that does neither must not end the process.
  request.on('error', () => {});
  response.on('error', () => {});
}

/** The client's side: the stream's data, and `cutOff` as error when it ends without the trailer. */
export class WholeBody extends Readable {
  readonly #stream: ClientHttp2Stream;

  /** @param bodiless: by its method or status the answer has no body, and then no trailer. */
  constructor(stream: ClientHttp2Stream, bodiless: boolean, cutOff: () => Error) {
    super({ highWaterMark: 64 * 1024 });
    this.#stream = stream;
    let whole = bodiless || stream.endAfterHeaders;
    stream.once('trailers', (headers) => {
      whole ||= headers[END_TRAILER] !== undefined;
    });
    stream.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stream.pause();
    });
    const settle = (): void => {
      if (this.readableEnded || this.destroyed) return;
      if (whole) this.push(null);
      else this.destroy(cutOff());
    };
    // The trailers' event may come in the same round as the end.
    stream.once('end', () => setImmediate(settle));
    stream.once('close', () => setImmediate(settle));
    // After the end it is about the request: a peer that has answered all closes a body that it will not read.
    stream.once('error', (error) => {
      if (!stream.readableEnded) this.destroy(error);
    });
    // An answer that nobody reads must not end the process with its failure.
    this.on('error', () => {});
  }

  override _read(): void {
    this.#stream.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_CANCEL);
    callback(error);
  }
}
