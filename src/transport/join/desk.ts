/**
 * The side of a join that lets in. Any node takes a join; one that cannot sign passes it on to one
 * that can, over mutual TLS. Safe to repeat: the daemon's `assign` answers the same for the same
 * node id, a single-use token knows the node it let in, and one more certificate harms nobody.
 */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { shortId } from '../../core/model/index.ts';
import type { NodeId } from '../../core/model/index.ts';
import { WIRE_VERSION } from '../../core/wire/index.ts';
import { readBody } from '../control/read-body.ts';
import type { PeerRequest, PeerResponse } from '../port.ts';
import type { Redeemed } from '../trust/token-book.ts';
import { checkInteger, checkObject } from './check.ts';
import { JoinError } from './join-error.ts';
import type { JoinCode } from './join-error.ts';
import { checkJoinRequest, FORWARD_PATH, formatJoinGrant, JOIN_LIMITS } from './messages.ts';
import type { Applicant, JoinGrant, JoinRequest } from './messages.ts';

/** What joining asks of the daemon. Each may throw a JoinError to be told to the joiner as it is. */
export interface JoinHost {
  /** Who can sign certificates: this node, or others to pass the join on to, best first. */
  authorities(): 'here' | readonly NodeId[];
  /** Whether the instance lets nodes in without a token. */
  isOpen(): boolean;
  isRevoked(id: NodeId): boolean;
  /** Why this host can't take part as it is, in words for its terminal: asked before a token is spent. */
  obstacle(applicant: Applicant): string | undefined;
  /** TokenBook.redeem. */
  redeem(secret: Uint8Array, id: NodeId): Promise<Redeemed>;
  /** Agrees a name and a number; the same again for the same node. */
  assign(applicant: Applicant): Promise<{ readonly name: string; readonly number: number }>;
  /** The leaf's PEM. @throws where the request is not signed by that node's key. */
  sign(requestPem: string, id: NodeId): Promise<string>;
  /** The rest of the answer. */
  describe(): Promise<Pick<JoinGrant, 'caPem' | 'instance' | 'gossipKeys' | 'members' | 'agreed'>>;
}

type Ask = (to: NodeId, request: PeerRequest) => Promise<PeerResponse>;

const FORWARD_TIMEOUT_MS = 15_000;

const STATUS: Partial<Record<JoinCode, number>> = {
  'bad-request': 400,
  'wire-version': 409,
  overlap: 409,
  'no-authority': 503,
  'no-agreement': 503,
  busy: 503,
  internal: 500,
};

export class JoinDesk {
  readonly #ask: Ask;
  #host: JoinHost | undefined;
  #working = 0;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  open(host: JoinHost): void {
    this.#host = host;
  }

  /** `here-only`: the join was passed on to us, and is not passed on again. */
  async serve(request: Http2ServerRequest, response: Http2ServerResponse, where: 'here-or-forward' | 'here-only'): Promise<void> {
    const { status, body } = await this.#answer(request, where);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body);
  }

  async #answer(request: Http2ServerRequest, where: 'here-or-forward' | 'here-only'): Promise<{ status: number; body: string | Buffer }> {
    let isWork = false;
    try {
      if (this.#host === undefined) throw new JoinError('busy', 'the node is still starting: try again in a moment');
      // Who has not sent all of its request takes nobody's place: that costs a stranger nothing, for as long as it likes.
      const body = await readBody(request, JOIN_LIMITS.requestBytes);
      const applicant = parse(body);
      if (this.#working >= JOIN_LIMITS.atATime)
        throw new JoinError('busy', `${JOIN_LIMITS.atATime} nodes are joining here just now: try again in a moment`);
      isWork = true;
      this.#working += 1;
      const authorities = this.#host.authorities();
      if (authorities === 'here') return { status: 200, body: formatJoinGrant(await admit(this.#host, applicant)) };
      if (where === 'here-only')
        throw new JoinError('no-authority', 'the node that was asked to sign cannot sign any more: try again in a moment');
      return await this.#forward(body, authorities);
    } catch (error) {
      const told =
        error instanceof JoinError ? error : new JoinError('internal', `the join failed on the node asked: ${(error as Error).message}`);
      return { status: STATUS[told.code] ?? 403, body: JSON.stringify({ code: told.code, message: told.message }) };
    } finally {
      if (isWork) this.#working -= 1;
    }
  }

  async #forward(body: Buffer, authorities: readonly NodeId[]): Promise<{ status: number; body: Buffer }> {
    const failures: string[] = [];
    for (const id of authorities) {
      try {
        const answer = await this.#ask(id, { method: 'POST', path: FORWARD_PATH, body, timeoutMs: FORWARD_TIMEOUT_MS });
        return { status: answer.status, body: await readBody(answer.body, JOIN_LIMITS.answerBytes) };
      } catch (error) {
        failures.push(`${shortId(id)}: ${(error as Error).message}`);
      }
    }
    throw new JoinError(
      'no-authority',
      `no node that can sign certificates answers (${failures.join('; ') || 'none is known'}): start it, then join again`,
    );
  }
}

/** @throws JoinError. The version is looked at first: a newer request may have another shape. */
function parse(body: Buffer): JoinRequest {
  try {
    const fields = checkObject(JSON.parse(body.toString()), 'the request');
    checkVersion(checkInteger(fields['wireVersion'], 'wireVersion', 0, 255));
    return checkJoinRequest(fields);
  } catch (error) {
    throw error instanceof JoinError ? error : new JoinError('bad-request', `the join request is wrong: ${(error as Error).message}`);
  }
}

function checkVersion(version: number): void {
  if (version === WIRE_VERSION) return;
  const [older, newer] = version < WIRE_VERSION ? ['this node', 'the instance'] : ['the instance', 'this node'];
  throw new JoinError(
    'wire-version',
    `this node speaks wire version ${version}, the instance version ${WIRE_VERSION}: ${older} is older than ${newer}; install the same release of caravela on both`,
  );
}

async function admit(host: JoinHost, request: JoinRequest): Promise<JoinGrant> {
  const { secret, requestPem, wireVersion: _, ...applicant } = request;
  if (host.isRevoked(request.nodeId)) {
    throw new JoinError(
      'revoked',
      `node ${shortId(request.nodeId)} was removed from the instance: to join again it needs a new identity ("caravela leave" first)`,
    );
  }
  const obstacle = host.obstacle(applicant);
  if (obstacle !== undefined) throw new JoinError('overlap', obstacle);
  if (!host.isOpen()) await redeem(host, secret, request.nodeId);
  const assigned = await host.assign(applicant);
  const certificatePem = await sign(host, requestPem, request.nodeId);
  return { ...(await host.describe()), ...assigned, certificatePem };
}

async function redeem(host: JoinHost, secret: string | undefined, id: NodeId): Promise<void> {
  if (secret === undefined) {
    throw new JoinError(
      'token-needed',
      'the instance needs a join token: make one with "caravela token create" on one of its nodes, and give it by --token or CARAVELA_TOKEN',
    );
  }
  const redeemed = await host.redeem(Buffer.from(secret, 'base64url'), id);
  if (redeemed.ok) return;
  const told = {
    'token-unknown': 'is not known here (was it removed?)',
    'token-expired': 'has expired',
    'token-used': 'was for one node only, and was used',
  };
  throw new JoinError(redeemed.why, `join token ${redeemed.tokenId} ${told[redeemed.why]}: make a new one with "caravela token create"`);
}

async function sign(host: JoinHost, requestPem: string, id: NodeId): Promise<string> {
  try {
    return await host.sign(requestPem, id);
  } catch (error) {
    if (error instanceof JoinError) throw error;
    throw new JoinError('bad-request', `the certificate could not be signed: ${(error as Error).message}`);
  }
}
