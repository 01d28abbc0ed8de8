import type { NodeId } from '../../core/model/index.ts';
import { formatIpv4 } from '../../lib/ipv4.ts';
import { checkAgreement, checkDrift, checkHost, checkNames, checkRoutes } from './check-host.ts';
import { checkPeers } from './check-peers.ts';
import { checksumErrors } from './checksum-errors.ts';
import { EchoHost } from './echo.ts';
import type { AgreementSeen, DriftSeen, PeerSeen } from './facts.ts';
import { type Finding, ok } from './finding.ts';
import { type DoctorPeer, ECHO_PATH, FACTS_PATH, probePeer, type Probing } from './probe-peer.ts';
import { readHost } from './read-host.ts';

export interface DoctorParts extends Omit<Probing, 'self'> {
  readonly self: () => { readonly underlayIp: string; readonly underlayMtu: number; readonly innerAddress: number };
  /** Members that are alive, without this node. */
  readonly peers: () => readonly DoctorPeer[];
  readonly vxlanPort: number;
  /** What names of our devices begin with, and the name of our nftables tables. */
  readonly devices: string;
  readonly table: string;
  readonly drift: () => DriftSeen;
  /** What the server of names can't serve just now, and why. */
  readonly nameProblems: () => readonly string[];
  /** Which routes of the host overlap which networks. */
  readonly overlaps: () => readonly string[];
  readonly agreement: () => Promise<AgreementSeen>;
}

export interface DoctorAnswer {
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

/** Peers ask below this path, by POST, without a body. */
export const DOCTOR_PATH = '/network/doctor/';

/** As many at once; of more peers than this some are tried, others at the next time. */
const PEERS_AT_ONCE = 8;
const PEERS_TRIED = 64;

/**
 * Behind `network doctor`: looks at what networks stand on, on this host and between it and its peers, and says what
 * it saw and how to mend what is wrong. Changes nothing. Gathering (`read-host`, `probe-peer`) and judging
 * (`check-host`, `check-peers`) are apart.
 */
export class Doctor {
  readonly #parts: DoctorParts;
  readonly #echo = new EchoHost();

  constructor(parts: DoctorParts) {
    this.#parts = parts;
  }

  async examine(): Promise<readonly Finding[]> {
    const { vxlanPort, devices, table, drift, nameProblems, overlaps, agreement } = this.#parts;
    const { underlayIp, underlayMtu } = this.#parts.self();
    const expected = { underlayIp, underlayMtu, vxlanPort, devices };
    const peers = this.#parts.peers();
    const [host, seen, agreed] = await Promise.all([readHost(expected, table), this.#probe(peers.slice(0, PEERS_TRIED)), agreement()]);
    const left = peers.length - seen.length;
    return [
      ...checkHost(host, expected),
      checkNames(nameProblems(), expected),
      checkRoutes(overlaps()),
      checkDrift(drift()),
      ...checkPeers(seen, { vxlanPort, device: host.underlay?.device ?? '' }),
      ...(left > 0 ? [ok('peers', `${left} more were not tried: ask them with \`network doctor NODE\``)] : []),
      checkAgreement(agreed),
    ];
  }

  /** Answers a peer's question below DOCTOR_PATH. */
  async servePeer(path: string, from: NodeId): Promise<DoctorAnswer> {
    const peer = this.#parts.peers().find(({ id }) => id === from);
    if (path === FACTS_PATH) return answer(200, { wallMs: Math.round(this.#parts.wallMs()), checksumErrors: checksumErrors() });
    if (path !== ECHO_PATH || peer === undefined) return answer(404, {});
    try {
      const port = await this.#echo.open(formatIpv4(this.#parts.self().innerAddress), formatIpv4(peer.innerAddress));
      return port === undefined ? answer(503, {}) : answer(200, { port });
    } catch {
      // This host's own doctor tells why it has no inner address.
      return answer(503, {});
    }
  }

  close(): void {
    this.#echo.close();
  }

  async #probe(peers: readonly DoctorPeer[]): Promise<readonly PeerSeen[]> {
    const probing = { ...this.#parts, self: this.#parts.self() };
    const seen: PeerSeen[] = [];
    const waiting = [...peers];
    const work = async () => {
      for (let peer = waiting.shift(); peer !== undefined; peer = waiting.shift()) seen.push(await probePeer(peer, probing));
    };
    await Promise.all(Array.from({ length: PEERS_AT_ONCE }, work));
    return seen.toSorted((a, b) => a.name.localeCompare(b.name));
  }
}

const answer = (status: number, body: object): DoctorAnswer => ({ status, body: JSON.stringify(body) });
