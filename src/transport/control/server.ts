/**
 * The control port: HTTP/2 over TLS 1.3. Certificates are asked for but not demanded by TLS,
 * because a joiner has none yet; instead each request is judged: a peer with a leaf of our CA is a
 * node, anybody else is a stranger, who may ask for one path and gets little time and room.
 */
import { createSecureServer } from 'node:http2';
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { NodeId } from '../../core/model/index.ts';
import { nodeIdOfCertificate } from '../trust/identity.ts';
import type { LoadedCredentials } from './credentials.ts';
import { KeepAlive, SERVER_KEEP_ALIVE } from './keep-alive.ts';
import { HTTP2_SETTINGS, REFUSED_HEADER, SESSION } from './settings.ts';
import { markEnds } from './whole-body.ts';

export interface ControlServerOptions {
  readonly ip: string;
  readonly port: number;
  readonly credentials: LoadedCredentials;
  /** The one path for strangers. */
  readonly openPath: string;
  isRevoked(id: NodeId): boolean;
  onPeer(peer: NodeId, request: Http2ServerRequest, response: Http2ServerResponse): void;
  /** `openPath`, from whomever. */
  onStranger(request: Http2ServerRequest, response: Http2ServerResponse): void;
}

export interface ControlServer {
  readonly port: number;
  /** Ends the sessions of a node: it was revoked. */
  disconnect(id: NodeId): void;
  close(): Promise<void>;
}

const HANDSHAKE_MS = 10_000;
/** Connections that are still in their handshake, and sessions of strangers, at a time. */
const HANDSHAKES = 256;
const STRANGERS = 64;
const STRANGER_MS = 45_000;

/** @throws the bind's error (EADDRINUSE, EADDRNOTAVAIL, …). */
export async function openControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const server = createSecureServer({
    ...options.credentials.tls,
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
    handshakeTimeout: HANDSHAKE_MS,
    settings: HTTP2_SETTINGS,
    maxSessionMemory: 128,
  });

  const sessions = new Map<ServerHttp2Session, NodeId | undefined>();
  const keepAlives = new WeakMap<ServerHttp2Session, KeepAlive>();
  let strangers = 0;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  boundHandshakes(server);

  server.on('session', (session) => {
    const peer = peerOf(session.socket as TLSSocket, options.credentials);
    sessions.set(session, peer);
    session.once('close', () => sessions.delete(session));
    if (peer === undefined) {
      strangers += 1;
      const timer = setTimeout(() => session.destroy(), STRANGER_MS).unref();
      session.once('close', () => {
        strangers -= 1;
        clearTimeout(timer);
      });
      if (strangers > STRANGERS) session.destroy();
      return;
    }
    session.setLocalWindowSize(SESSION.sessionWindowBytes);
    keepAlives.set(session, new KeepAlive(session, SERVER_KEEP_ALIVE));
  });

  server.on('request', (request, response) => {
    const session = request.stream.session as ServerHttp2Session;
    markEnds(request, response);
    keepAlives.get(session)?.watch(request.stream);
    const peer = sessions.get(session);
    if (request.url === options.openPath && request.method === 'POST') options.onStranger(request, response);
    else if (peer === undefined) refuse(response, 'no certificate of this instance');
    else if (options.isRevoked(peer)) refuse(response, 'this node was removed from the instance');
    else options.onPeer(peer, request, response);
  });
  for (const event of ['sessionError', 'tlsClientError', 'clientError']) server.on(event, () => {});

  await listen(server, options.ip, options.port);
  return {
    port: (server.address() as AddressInfo).port,
    disconnect(id) {
      for (const [session, peer] of sessions) if (peer === id) session.destroy();
    },
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const session of sessions.keys()) session.destroy();
      // A session that has ended waits for the other side's end, which never comes from a host that is gone.
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The node at the other end; undefined: a stranger. */
function peerOf(socket: TLSSocket, credentials: LoadedCredentials): NodeId | undefined {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined || !socket.authorized) return undefined;
  try {
    return nodeIdOfCertificate(leaf, credentials.ca);
  } catch {
    return undefined;
  }
}

function refuse(response: Http2ServerResponse, why: string): void {
  response.writeHead(403, { [REFUSED_HEADER]: why, 'content-type': 'application/json' });
  response.end(JSON.stringify({ code: 'refused', message: why }));
}

/** Whoever connects and does not get on with the handshake must not pile up. */
function boundHandshakes(server: Http2SecureServer): void {
  let connections = 0;
  let secured = 0;
  server.on('connection', (socket) => {
    connections += 1;
    socket.once('close', () => {
      connections -= 1;
    });
    if (connections - secured > HANDSHAKES) socket.destroy();
  });
  server.on('secureConnection', (socket) => {
    secured += 1;
    socket.setNoDelay(true);
    socket.once('close', () => {
      secured -= 1;
    });
  });
}

function listen(server: Http2SecureServer, ip: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: ip, port, exclusive: true }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve();
    });
  });
}
