/**
 * The first contact of a joiner: a TLS connection to a node whose CA it knows by digest only, or
 * not at all. Nothing is sent before the chain has been checked: leaf signed by the CA that came
 * with it, and that CA's digest as the token says.
 */
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import type { NodeId } from '../../core/model/index.ts';
import { nodeIdOfCertificate } from '../trust/identity.ts';
import { caDigest } from '../trust/token.ts';
import { JoinError } from './join-error.ts';

export interface Greeted {
  readonly socket: TLSSocket;
  /** The CA the node showed, checked against the digest if there was one. */
  readonly ca: X509Certificate;
  /** Who it is. */
  readonly node: NodeId;
}

/**
 * @param digest of the CA certificate, from the token; undefined: an open instance, trusted on first use.
 * @throws JoinError
 */
export function greet(host: string, port: number, digest: Buffer | undefined, timeoutMs: number): Promise<Greeted> {
  const where = `${host}:${port}`;
  return new Promise((resolve, reject) => {
    let connected = false;
    // The chain is judged below, by the token and not by names or the system's roots.
    const socket = connect({ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.3', ALPNProtocols: ['h2'] });
    const fail = (error: JoinError): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(connected ? notCaravela(where, 'it accepts connections but does not greet') : unreachable(where, 'no answer')),
      timeoutMs,
    );
    socket.once('connect', () => {
      connected = true;
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      fail(connected ? notCaravela(where, error.message) : unreachable(where, tell(error))),
    );
    socket.once('close', () => fail(notCaravela(where, 'it closed the connection')));
    socket.once('secureConnect', () => {
      try {
        const judged = judge(socket, where, digest);
        clearTimeout(timer);
        socket.removeAllListeners('close');
        resolve({ socket, ...judged });
      } catch (error) {
        fail(error as JoinError);
      }
    });
  });
}

function judge(socket: TLSSocket, where: string, digest: Buffer | undefined): Omit<Greeted, 'socket'> {
  const shown: Partial<DetailedPeerCertificate> = socket.getPeerCertificate(true);
  const issuer = shown.issuerCertificate;
  if (socket.alpnProtocol !== 'h2' || shown.raw === undefined || issuer?.raw === undefined)
    throw notCaravela(where, 'its certificate is none of ours');
  const ca = new X509Certificate(issuer.raw);
  if (digest !== undefined && !caDigest(ca).equals(digest)) {
    throw new JoinError('ca-mismatch', `the node at ${where} belongs to another instance, or the token is wrong: nothing was sent to it`);
  }
  try {
    return { ca, node: nodeIdOfCertificate(new X509Certificate(shown.raw), ca) };
  } catch (error) {
    throw new JoinError('ca-mismatch', `the node at ${where} does not prove to belong to its instance: ${(error as Error).message}`);
  }
}

const unreachable = (where: string, how: string): JoinError =>
  new JoinError(
    'unreachable',
    `no node was reached at ${where} over TCP (${how}): is caravela running there, and are 8001/tcp, 8000/udp and 4789/udp open between the two machines?`,
  );

const notCaravela = (where: string, how: string): JoinError =>
  new JoinError(
    'not-caravela',
    `what answers at ${where} is no caravela node (${how}): is the port the one given by --port there, 8001 by default?`,
  );

function tell(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'connection refused';
    case 'ETIMEDOUT':
      return 'no answer';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'no route to it';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name is not known';
    default:
      return error.message;
  }
}
