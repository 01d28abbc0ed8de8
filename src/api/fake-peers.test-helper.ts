import { connect as connectSession, createServer, type ClientHttp2Session, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { pipeline, Readable, Transform } from 'node:stream';
import type { NodeId } from '../core/model/index.ts';
import { type PeerRequest, type PeerResponse, PeerUnreachable } from '../transport/port.ts';
import type { Api } from './create-api.ts';

/** What a node has instead of a transport: HTTP/2 over unix sockets, one session to each peer. */
export class FakePeers {
  readonly #sessions = new Map<string, ClientHttp2Session>();
  readonly #accepted = new Set<ServerHttp2Session>();
  #server: Http2Server | undefined;

  async listen(path: string, api: Api): Promise<void> {
    const server = createServer((request, response) => api.routeFromPeer(request, response));
    server.on('session', (session) => this.#accepted.add(session));
    await new Promise<void>((resolve) => {
      server.listen(path, resolve);
    });
    this.#server = server;
  }

  /** @param isCutOff whether the peer is gone when its answer ends. */
  exchange(path: string, request: PeerRequest, isCutOff: () => boolean): Promise<PeerResponse> {
    return exchange(this.#session(path), request, isCutOff);
  }

  cut(): void {
    for (const session of [...this.#sessions.values(), ...this.#accepted]) session.destroy();
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
    });
  }

  #session(path: string): ClientHttp2Session {
    const known = this.#sessions.get(path);
    if (known !== undefined && !known.destroyed) return known;
    const session = connectSession('http://peer', { createConnection: () => connectSocket(path) });
    session.on('error', () => undefined);
    this.#sessions.set(path, session);
    return session;
  }
}

function exchange(session: ClientHttp2Session, request: PeerRequest, isCutOff: () => boolean): Promise<PeerResponse> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': request.method, ':path': request.path, ...request.headers });
    stream.on('error', reject);
    request.signal?.addEventListener('abort', () => stream.destroy(), { once: true });
    stream.on('close', () => reject(new PeerUnreachable('' as NodeId, 'closed')));
    stream.on('response', (headers) => {
      // As the transport promises: a body that was cut off does not end like a whole one.
      const check = new Transform({
        transform: (chunk, _encoding, done) => done(null, chunk),
        flush: (done) => done(isCutOff() ? new PeerUnreachable('' as NodeId, 'cut off') : null),
      });
      resolve({ status: Number(headers[':status']), headers, body: pipeline(stream, check, () => undefined) });
    });
    if (request.body instanceof Readable) request.body.pipe(stream);
    else stream.end(request.body);
  });
}
