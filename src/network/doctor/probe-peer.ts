import type { NodeId } from '../../core/model/index.ts';
import { formatIpv4, parseIpv4 } from '../../lib/ipv4.ts';
import { ping, type PingAnswer } from '../../linux/ping.ts';
import { VXLAN_BYTES } from './check-host.ts';
import { checksumErrors } from './checksum-errors.ts';
import { askForEcho } from './echo.ts';
import type { EchoSeen, PeerSeen, SizedPings } from './facts.ts';
import { type PeerFacts, readFacts, readPort } from './messages.ts';

export interface DoctorPeer {
  readonly id: NodeId;
  readonly name: string;
  readonly underlayIp: string;
  readonly underlayMtu: number;
  readonly innerAddress: number;
}

export interface Probing {
  readonly self: { readonly underlayMtu: number; readonly innerAddress: number };
  /** POST to the peer's daemon; its answer's body. @throws Error in words for people */
  readonly ask: (peer: NodeId, path: string, timeoutMs: number) => Promise<string>;
  readonly wallMs: () => number;
}

export const FACTS_PATH = '/network/doctor/facts';
export const ECHO_PATH = '/network/doctor/echo';

const ASK_TIMEOUT_MS = 2_000;
const PING_TIMEOUT_MS = 1_000;
const ECHO_TIMEOUT_MS = 1_000;
const SMALL_PACKET_BYTES = 64;
/** Every host must take packets of this size (RFC 791). */
const LEAST_PACKET_BYTES = 576;
/** IP and UDP headers. */
const UDP_BYTES = 28;
const ECHOES = 5;
/** While the largest size that passes is looked for: a link that has just answered does so in less. */
const SEARCH_TIMEOUT_MS = 250;

/** Tries everything between this host and one peer, in about a second; longer only where something is wrong. Never rejects for the peer's sake. */
export async function probePeer(peer: DoctorPeer, probing: Probing): Promise<PeerSeen> {
  const { self, ask, wallMs } = probing;
  const began = wallMs();
  const asked = performance.now();
  const before = await ask(peer.id, FACTS_PATH, ASK_TIMEOUT_MS).then(readFacts, (error: unknown) => ({ error: wordsOf(error) }));
  const roundTripMs = performance.now() - asked;
  const fullBytes = Math.min(self.underlayMtu, peer.underlayMtu);
  const underlayAddress = parseIpv4(peer.underlayIp);
  const [underlay, overlay] = await Promise.all([
    underlayAddress === undefined ? SILENT : pings(underlayAddress, fullBytes),
    pings(peer.innerAddress, fullBytes - VXLAN_BYTES),
  ]);
  const echo =
    'error' in before || overlay.small.kind !== 'answered' ? undefined : await echoes(peer, probing, before, fullBytes - VXLAN_BYTES);
  return {
    name: peer.name,
    underlayIp: peer.underlayIp,
    daemon: 'error' in before ? before : { roundTripMs, clockAheadMs: before.wallMs - (began + roundTripMs / 2) },
    underlay,
    overlay,
    echo,
  };
}

/** Of a peer whose underlay isn't IPv4. */
const SILENT: SizedPings = { small: { kind: 'silent' }, full: { kind: 'silent' }, fullBytes: 0, largestBytes: 0 };

async function pings(to: number, fullBytes: number): Promise<SizedPings> {
  const small = await tryPing(to, SMALL_PACKET_BYTES, PING_TIMEOUT_MS);
  if (small.kind !== 'answered') return { small, full: small, fullBytes, largestBytes: 0 };
  const full = await tryPing(to, fullBytes, PING_TIMEOUT_MS);
  const largestBytes = full.kind === 'answered' ? fullBytes : await largestThatPasses(to, fullBytes);
  return { small, full, fullBytes, largestBytes };
}

/** Halves the distance: at most a dozen pings. 0: not even the least. */
async function largestThatPasses(to: number, tooLarge: number): Promise<number> {
  const passes = async (bytes: number) => (await tryPing(to, bytes, SEARCH_TIMEOUT_MS)).kind === 'answered';
  if (!(await passes(LEAST_PACKET_BYTES))) return 0;
  let [low, high] = [LEAST_PACKET_BYTES, tooLarge];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await passes(middle)) low = middle;
    else high = middle;
  }
  return low;
}

async function tryPing(to: number, packetBytes: number, timeoutMs: number): Promise<PingAnswer> {
  try {
    return await ping({ to, packetBytes, timeoutMs });
  } catch (error) {
    return { kind: 'unsent', code: wordsOf(error) };
  }
}

async function echoes(peer: DoctorPeer, { self, ask }: Probing, before: PeerFacts, packetBytes: number): Promise<EchoSeen | undefined> {
  try {
    const port = readPort(await ask(peer.id, ECHO_PATH, ASK_TIMEOUT_MS));
    if (port === undefined) return undefined;
    const oursBefore = checksumErrors();
    const back = await askForEcho({
      from: formatIpv4(self.innerAddress),
      to: formatIpv4(peer.innerAddress),
      port,
      smallBytes: SMALL_PACKET_BYTES,
      largeBytes: packetBytes - UDP_BYTES,
      count: ECHOES,
      timeoutMs: ECHO_TIMEOUT_MS,
    });
    const after = readFacts(await ask(peer.id, FACTS_PATH, ASK_TIMEOUT_MS));
    const grown = checksumErrors() - oursBefore + after.checksumErrors - before.checksumErrors;
    // Some errors are another connection's bad luck; where everything came back it wasn't ours.
    const cameBack = back.smallBack === ECHOES && back.largeBack === ECHOES;
    return { sent: ECHOES, ...back, checksumErrors: cameBack ? 0 : grown };
  } catch {
    // It went away while we asked: who doesn't answer is told by the first question.
    return undefined;
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
