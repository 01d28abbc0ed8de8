import type { Http2ServerRequest } from 'node:http2';
import { text } from 'node:stream/consumers';

/** What a peer sent along. @throws RangeError where it is longer */
export async function requestBody(request: Http2ServerRequest, limitBytes: number): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw new RangeError(`a body of more than ${limitBytes} bytes`);
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > limitBytes) request.destroy(new RangeError(`a body of more than ${limitBytes} bytes`));
  });
  return text(request);
}
