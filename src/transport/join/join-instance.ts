/** The side of a join that asks: connects, checks whom it talks to, applies, and checks what it gets. */
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { WIRE_VERSION } from '../../core/wire/index.ts';
import { readBody } from '../control/read-body.ts';
import { nodeIdOfCertificate } from '../trust/identity.ts';
import { caDigest } from '../trust/token.ts';
import type { JoinToken } from '../trust/token.ts';
import { checkObject } from './check.ts';
import { greet } from './greet.ts';
import { JOIN_CODES, JoinError } from './join-error.ts';
import { checkJoinGrant, JOIN_LIMITS, JOIN_PATH } from './messages.ts';
import type { Applicant, JoinGrant, JoinRequest } from './messages.ts';

export interface JoinOptions {
  /** The bootstrap node. */
  readonly host: string;
  readonly port: number;
  /** Undefined: the instance must be open, and its CA is trusted on first use. */
  readonly token: JoinToken | undefined;
  readonly requestPem: string;
  /** Told the local end of the connection: the address by which the instance will likely reach us. */
  readonly describe: (localIp: string) => Applicant;
  readonly connectTimeoutMs?: number;
  readonly answerTimeoutMs?: number;
}

export interface Joined extends JoinGrant {
  /** True: no token said which CA to expect; tell the user its digest. */
  readonly trustedOnFirstUse: boolean;
  /** SHA-256 of the CA certificate, hex. */
  readonly caDigest: string;
}

/** @throws JoinError */
export async function joinInstance(options: JoinOptions): Promise<Joined> {
  const { host, port, token } = options;
  const { socket, ca } = await greet(host, port, token?.caDigest, options.connectTimeoutMs ?? 5_000);
  const session = connect(`https://${host.includes(':') ? `[${host}]` : host}:${port}`, { createConnection: () => socket });
  try {
    const applicant = options.describe(plainIp(socket.localAddress ?? ''));
    const request: JoinRequest = {
      ...applicant,
      wireVersion: WIRE_VERSION,
      secret: token?.secret.toString('base64url'),
      requestPem: options.requestPem,
    };
    const grant = await apply(session, JSON.stringify(request), `${host}:${port}`, options.answerTimeoutMs ?? 40_000);
    checkOurs(grant, ca, applicant);
    return { ...grant, trustedOnFirstUse: token === undefined, caDigest: caDigest(ca).toString('hex') };
  } finally {
    session.destroy();
  }
}

async function apply(session: ClientHttp2Session, body: string, where: string, timeoutMs: number): Promise<JoinGrant> {
  const { status, text } = await post(session, body, timeoutMs).catch((error: unknown) => {
    throw new JoinError(
      'unreachable',
      `the node at ${where} was reached but did not answer the join: ${(error as Error).message}; try again`,
    );
  });
  let answer: unknown;
  try {
    answer = JSON.parse(text);
    if (status === 200) return checkJoinGrant(answer);
  } catch (error) {
    throw new JoinError('internal', `the answer of the node at ${where} makes no sense: ${(error as Error).message}`);
  }
  const { code, message } = checkObject(answer, 'the answer');
  const known = JOIN_CODES.find((name) => name === code) ?? 'internal';
  throw new JoinError(known, typeof message === 'string' ? message : `the node at ${where} refused the join with status ${status}`);
}

function post(session: ClientHttp2Session, body: string, timeoutMs: number): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => session.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    session.once('error', fail);
    const stream = session.request({ ':method': 'POST', ':path': JOIN_PATH, 'content-type': 'application/json' });
    stream.once('error', fail);
    stream.once('close', () => fail(new Error('the connection was closed')));
    stream.once('response', (headers) => {
      const status = headers[':status'] ?? 0;
      readBody(stream, JOIN_LIMITS.answerBytes).then((bytes) => resolve({ status, text: bytes.toString() }), fail);
    });
    stream.end(body);
  });
}

/** What we were given must be for our key, by the CA we were shown. */
function checkOurs(grant: JoinGrant, ca: X509Certificate, applicant: Applicant): void {
  try {
    if (!caDigest(new X509Certificate(grant.caPem)).equals(caDigest(ca))) throw new Error('the CA is not the one shown at first');
    const id = nodeIdOfCertificate(new X509Certificate(grant.certificatePem), ca);
    if (id !== applicant.nodeId) throw new Error(`the certificate is for node ${id}`);
  } catch (error) {
    throw new JoinError('internal', `the instance answered with a certificate that is not ours: ${(error as Error).message}`);
  }
}

/** An IPv4 address as such, also where the socket is IPv6. */
const plainIp = (ip: string): string => ip.replace(/^::ffff:/, '');
