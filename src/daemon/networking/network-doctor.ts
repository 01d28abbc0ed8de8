import { text } from 'node:stream/consumers';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { AgreementService, AgreementStatus } from '../../api/agreement-service.ts';
import type { Member, NodeId } from '../../core/model/index.ts';
import type { CoreNode } from '../../core/node/port.ts';
import type { Cidr } from '../../lib/ipv4.ts';
import { Doctor } from '../../network/doctor/doctor.ts';
import type { AgreementSeen, DriftSeen } from '../../network/doctor/facts.ts';
import { ANSWER_BYTES } from '../../network/doctor/messages.ts';
import { Names } from '../../network/vxlan/names.ts';
import type { PeerRequest, PeerResponse } from '../../transport/port.ts';

export interface NetworkDoctorParts {
  /** Of this node. */
  readonly shortId: string;
  readonly node: Pick<CoreNode, 'self' | 'members'>;
  readonly vxlanPort: number;
  readonly innerRange: Cidr;
  readonly drift: () => DriftSeen;
  /** What the server of names can't serve just now, and why. */
  readonly nameProblems: () => readonly string[];
  readonly overlaps: () => readonly string[];
  /** Nodes that were shut out of the instance. */
  readonly removed: () => readonly NodeId[];
  readonly agreement: () => Pick<AgreementService, 'status'>;
  readonly request: (peer: NodeId, request: PeerRequest) => Promise<PeerResponse>;
}

/** The doctor of this daemon: who its peers are, and how they are asked. */
export function createDoctor({
  shortId,
  node,
  vxlanPort,
  innerRange,
  drift,
  nameProblems,
  overlaps,
  removed,
  agreement,
  request,
}: NetworkDoctorParts): Doctor {
  const { devices, table } = new Names(shortId);
  return new Doctor({
    self: () => {
      const { address, underlayMtu, number } = node.self();
      return { underlayIp: address.ip, underlayMtu, innerAddress: innerRange.base + number };
    },
    peers: () =>
      peersOf(node, removed()).map(({ id, name, address, underlayMtu, number }) => ({
        id,
        name,
        underlayIp: address.ip,
        underlayMtu,
        innerAddress: innerRange.base + number,
      })),
    ask: (peer, path, timeoutMs) => ask(request, peer, path, timeoutMs),
    wallMs: () => Date.now(),
    vxlanPort,
    devices,
    table,
    drift,
    nameProblems,
    overlaps,
    agreement: async () => {
      try {
        return agreementSeen(await agreement().status());
      } catch (error) {
        return { quorum: false, words: error instanceof Error ? error.message : String(error) };
      }
    },
  });
}

/** Answers a peer's question below DOCTOR_PATH; what it sends along is of no interest. */
export async function serveDoctor(doctor: Doctor, peer: NodeId, request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
  request.resume();
  try {
    const { status, body } = await doctor.servePeer(request.url, peer);
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  } catch {
    // The peer tells what it could not learn.
    response.writeHead(500).end();
  }
}

/** Who can be tried. A daemon that starts takes whom it knew for alive at first, also who is shut out by now. */
export function peersOf(node: NetworkDoctorParts['node'], removed: readonly NodeId[]): readonly Member[] {
  const own = node.self().id;
  return node.members().filter(({ id, state, number }) => id !== own && state === 'alive' && number > 0 && !removed.includes(id));
}

export function agreementSeen({ hasQuorum, members, troubles }: AgreementStatus): AgreementSeen {
  const away = members.filter(({ isReachable }) => !isReachable).map(({ name }) => name);
  const answering = `${members.length - away.length} of ${members.length} members answer${away.length === 0 ? '' : ` (not ${away.join(', ')})`}`;
  return { quorum: hasQuorum, words: [answering, ...troubles].join('; ') };
}

async function ask(request: NetworkDoctorParts['request'], peer: NodeId, path: string, timeoutMs: number): Promise<string> {
  const response = await request(peer, { method: 'POST', path, timeoutMs, signal: AbortSignal.timeout(timeoutMs) });
  if (response.status !== 200 || Number(response.headers['content-length'] ?? 0) > ANSWER_BYTES) {
    response.body.destroy();
    throw new Error(`its daemon answers ${response.status}`);
  }
  let size = 0;
  response.body.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > ANSWER_BYTES) response.body.destroy(new Error('its daemon’s answer is too long'));
  });
  return text(response.body);
}
