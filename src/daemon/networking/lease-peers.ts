import type { LeaseAnswer, LeaseRequest } from '../../core/leases/port.ts';
import type { Member, NetworkId, NodeId } from '../../core/model/index.ts';
import { readBody } from '../../transport/control/read-body.ts';
import type { PeerRequest, PeerResponse } from '../../transport/port.ts';
import type { Log } from '../log.ts';
import { decodeLeaseAnswer, encodeLeaseRequest } from './lease-messages.ts';
import { LEASE_BODY_BYTES } from './leases.ts';
import type { StillHolds } from './leases.ts';

export interface LeasePeersParts {
  readonly request: (peer: NodeId, request: PeerRequest) => Promise<PeerResponse>;
  readonly log: Log;
  /** Who is known, dead ones too: those are not asked. */
  readonly nodes: () => readonly Pick<Member, 'id' | 'name' | 'state'>[];
}

/** What a peer is asked takes it a read and a change. */
const ASK_MS = 3_000;
/** Asked side by side to return a network. */
const RETURNS_AT_ONCE = 16;

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

/** Resolves to those that did not return all they have of it. */
export async function askToReturn(parts: LeasePeersParts, holders: Iterable<NodeId>, network: NetworkId): Promise<readonly StillHolds[]> {
  const toAsk = [...holders];
  const still: StillHolds[] = [];
  const askNext = async (): Promise<void> => {
    for (let node = toAsk.pop(); node !== undefined; node = toAsk.pop()) {
      const answer = await askForLeases(parts, node, { kind: 'return', network });
      if (answer === undefined) still.push({ node, why: 'unreachable' });
      else if (answer.kind === 'in-use' || answer.kind === 'no-agreement') still.push({ node, why: answer.kind });
    }
  };
  await Promise.all(Array.from({ length: RETURNS_AT_ONCE }, askNext));
  return still;
}
