import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { type AgreementHost, MEMBERS_BODY_BYTES, MEMBERS_PATH } from '../../agreement/members/port.ts';
import { type Asked, STORE_PATH, SYNC_LIMITS, SYNC_PATH } from '../../agreement/sync/port.ts';
import { serveStore, type StoreServer } from '../../agreement/sync/serve-store.ts';
import type { Sync } from '../../agreement/sync/sync.ts';
import { type NodeId, shortId } from '../../core/model/index.ts';
import { BodyTooLong, readBody } from '../../transport/control/read-body.ts';
import type { PeerRequest, PeerResponse } from '../../transport/port.ts';
import type { Log } from '../log.ts';
import { CA_KEY_BYTES, CA_KEY_PATH, type KeyKeepers } from './key-keepers.ts';

/** How a node asks another one in this room's own tongue. */
export async function askPeer(
  request: (peer: NodeId, request: PeerRequest) => Promise<PeerResponse>,
  peer: NodeId,
  path: string,
  body: Buffer,
  timeoutMs: number,
): Promise<Asked> {
  const headers = { 'content-length': String(body.length) };
  const response = await request(peer, { method: 'POST', path, headers, body, timeoutMs: Math.max(1, Math.ceil(timeoutMs)) });
  return { status: response.status, body: await readBody(response.body, SYNC_LIMITS.packedBytes) };
}

export interface PeerServerParts {
  readonly host: AgreementHost;
  readonly sync: Sync;
  readonly keys: KeyKeepers;
  readonly store: StoreServer;
  readonly log: Log;
}

/** Requests that are read or worked on at a time: each may be as large as a whole copy. */
const AT_A_TIME = 128;

/** Answers what peers ask under AGREEMENT_PATH. */
export class PeerServer {
  readonly #parts: PeerServerParts;
  #working = 0;

  constructor(parts: PeerServerParts) {
    this.#parts = parts;
  }

  async serve(peer: NodeId, request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    this.#working += 1;
    try {
      const { status, body } = this.#working > AT_A_TIME ? busy : await this.#answer(peer, request);
      response.writeHead(status, { 'content-length': String(body.length) }).end(body);
    } catch (error) {
      const tooLong = error instanceof BodyTooLong;
      this.#parts.log(tooLong ? 'warn' : 'debug', 'a question about what is agreed was not answered', {
        peer: shortId(peer),
        path: request.url,
        error: (error as Error).message,
      });
      if (response.stream.destroyed) return;
      response.writeHead(tooLong ? 413 : 500).end();
    } finally {
      this.#working -= 1;
    }
  }

  async #answer(peer: NodeId, request: Http2ServerRequest): Promise<Asked> {
    const path = request.url;
    if (request.method !== 'POST') return { status: 405, body: Buffer.alloc(0) };
    if (path.startsWith(MEMBERS_PATH)) return this.#parts.host.servePeer(peer, path, await readBody(request, MEMBERS_BODY_BYTES));
    if (path === CA_KEY_PATH) return this.#parts.keys.take(peer, await readBody(request, CA_KEY_BYTES));
    const body = await readBody(request, SYNC_LIMITS.packedBytes);
    if (path === STORE_PATH) return serveStore(peer, body, this.#parts.store);
    if (path.startsWith(SYNC_PATH)) return this.#parts.sync.serve(peer, path, body);
    return { status: 404, body: Buffer.alloc(0) };
  }
}

const busy: Asked = { status: 503, body: Buffer.from('too many such requests at a time: try again in a moment') };
