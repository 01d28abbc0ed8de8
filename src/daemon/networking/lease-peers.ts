import type { LeaseAnswer, LeaseRequest } from '../../core/leases/port.ts';
import type { Member, NodeId } from '../../core/model/index.ts';
import { readBody } from '../../transport/control/read-body.ts';
import type { PeerRequest, PeerResponse } from '../../transport/port.ts';
import type { Log } from '../log.ts';
import { decodeLeaseAnswer, encodeLeaseRequest } from './lease-messages.ts';
import { LEASE_BODY_BYTES } from './leases.ts';

export interface LeasePeersParts {
  readonly request: (peer: NodeId, request: PeerRequest) => Promise<PeerResponse>;
  readonly log: Log;
  /** Who is known, dead ones too: those are not asked. */
  readonly nodes: () => readonly Pick<Member, 'id' | 'name' | 'state'>[];
}

/** What a peer is asked takes it a read and a change. */
const ASK_MS = 3_000;

/** undefined: it did not answer, or nothing that makes sense. */
export async function askForLeases(parts: LeasePeersParts, to: NodeId, request: LeaseRequest): Promise<LeaseAnswer | undefined> {
  const state = parts.nodes().find(({ id }) => id === to)?.state;
  if (state !== 'alive' && state !== 'suspect') return undefined;
  const { path, body } = encodeLeaseRequest(request);
  try {
    // Also the body of the answer is to be there by then.
    const signal = AbortSignal.timeout(ASK_MS);
    const response = await parts.request(to, { method: 'POST', path, body: Buffer.from(body), timeoutMs: ASK_MS, signal });
    const said = await readBody(response.body, LEASE_BODY_BYTES);
    if (response.status !== 200) throw new Error(`it answered ${response.status}`);
    return decodeLeaseAnswer(said.toString());
  } catch (error) {
    parts.log('debug', 'a peer did not answer about leases', { peer: to, path, error: String(error) });
    return undefined;
  }
}
