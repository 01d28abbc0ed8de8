/** One request on an open session: to the headers of the answer within a deadline, the body streamed both ways. */
import { constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { pipeline } from 'node:stream';
import { shortId } from '../../core/model/index.ts';
import type { NodeId } from '../../core/model/index.ts';
import { PeerUnreachable } from '../port.ts';
import type { PeerRequest, PeerResponse } from '../port.ts';
import { REFUSED_HEADER } from './settings.ts';
import { WholeBody } from './whole-body.ts';

/**
 * @param deadline of the headers, aborted with the error to give.
 * @param opened is told of the stream once it is there, to count it.
 * @throws PeerUnreachable, or the reason of `request.signal`.
 */
export function exchange(
  session: ClientHttp2Session,
  peer: NodeId,
  request: PeerRequest,
  deadline: AbortSignal,
  opened: (stream: ClientHttp2Stream) => void,
): Promise<PeerResponse> {
  return new Promise((resolve, reject) => {
    const { body, signal } = request;
    const stream = session.request(
      { ...endToEnd(request.headers), ':method': request.method, ':path': request.path },
      { endStream: body === undefined },
    );
    opened(stream);

    const giveUp = (reason: unknown): void => {
      reject(reason);
      stream.close(constants.NGHTTP2_CANCEL);
    };
    const onDeadline = (): void => giveUp(deadline.reason);
    // The caller's signal holds for the body, too.
    const onAbort = (): void => {
      reject(signal?.reason);
      stream.destroy(signal?.reason as Error);
    };
    deadline.addEventListener('abort', onDeadline, { once: true });
    signal?.addEventListener('abort', onAbort, { once: true });

    let answered = false;
    stream.once('response', (headers: IncomingHttpHeaders & { ':status'?: number }) => {
      answered = true;
      deadline.removeEventListener('abort', onDeadline);
      const refused = headers[REFUSED_HEADER];
      if (refused !== undefined) {
        const why = String(refused);
        return giveUp(new PeerUnreachable(peer, `node ${shortId(peer)} refused us: ${why}`, { refused: why }));
      }
      const { ':status': status = 0, ...rest } = headers;
      const bodiless = request.method === 'HEAD' || status === 204 || status === 205 || status === 304;
      const cutOff = (): Error => new PeerUnreachable(peer, lost(peer, 'in the middle of its answer'));
      resolve({ status, headers: rest, body: new WholeBody(stream, bodiless, cutOff) });
    });
    stream.on('error', (error) => reject(error instanceof PeerUnreachable ? error : new PeerUnreachable(peer, lost(peer, error.message))));
    stream.once('close', () => {
      deadline.removeEventListener('abort', onDeadline);
      signal?.removeEventListener('abort', onAbort);
      if (!answered) reject(new PeerUnreachable(peer, lost(peer, 'before it answered')));
    });

    if (body instanceof Uint8Array) stream.end(body);
    else if (body !== undefined) pipeline(body, stream, () => {}); // What goes wrong shows on the stream.
  });
}

/** Headers of HTTP/1 that concern one connection only; HTTP/2 forbids them (RFC 9113 §8.2.2). */
const HOP_BY_HOP = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

function endToEnd(headers: PeerRequest['headers']): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase())));
}

const lost = (peer: NodeId, how: string): string => `the connection to node ${shortId(peer)} was lost: ${how}`;
