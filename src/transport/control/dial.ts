/**
 * Opens an HTTP/2 session to one node. The node is known by its key: whatever answers at the
 * address must show a certificate of our CA whose key hashes to the expected id (DESIGN §2.5).
 *
 * In TLS 1.3 our side is done before the server has looked at our certificate; so a session that is
 * open proves who the server is, and only the first answer proves that it takes us.
 */
import { X509Certificate } from 'node:crypto';
import { connect as connectHttp2 } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { Address, NodeId } from '../../core/model/index.ts';
import { nodeIdOfCertificate } from '../trust/identity.ts';
import type { LoadedCredentials } from './credentials.ts';
import { HTTP2_SETTINGS, SESSION } from './settings.ts';

const CONNECT_TIMEOUT_MS = 3_000;

/** @throws Error whose message says what happened at which address. */
export async function dial(address: Address, expected: NodeId, credentials: LoadedCredentials): Promise<ClientHttp2Session> {
  const socket = await connect(address, expected, credentials);
  const session = connectHttp2(`https://${authority(address)}`, { createConnection: () => socket, settings: HTTP2_SETTINGS });
  // Reported through the streams and 'close'; without a listener it would end the process.
  session.on('error', () => {});
  session.once('connect', () => session.setLocalWindowSize(SESSION.sessionWindowBytes));
  return session;
}

const authority = (address: Address): string =>
  address.ip.includes(':') ? `[${address.ip}]:${address.controlPort}` : `${address.ip}:${address.controlPort}`;

function connect(address: Address, expected: NodeId, credentials: LoadedCredentials): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: address.ip,
      port: address.controlPort,
      secureContext: credentials.context,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
      checkServerIdentity: (_host, shown) => identityError(shown.raw, expected, credentials.ca),
    });
    const where = authority(address);
    const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`)), CONNECT_TIMEOUT_MS);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new Error(`${where}: ${error.message}`));
    };
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      if (socket.alpnProtocol !== 'h2') return fail(new Error('it does not speak HTTP/2'));
      clearTimeout(timer);
      socket.off('error', fail);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

function identityError(raw: Buffer, expected: NodeId, ca: X509Certificate): Error | undefined {
  try {
    const actual = nodeIdOfCertificate(new X509Certificate(raw), ca);
    return actual === expected ? undefined : new Error(`node ${actual} answered, not ${expected}`);
  } catch (error) {
    return error as Error;
  }
}
