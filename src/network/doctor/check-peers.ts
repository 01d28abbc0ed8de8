import type { PingAnswer } from '../../linux/ping.ts';
import { VXLAN_BYTES } from './check-host.ts';
import type { PeerSeen, SizedPings } from './facts.ts';
import { type Finding, listed, ok, problem, warning } from './finding.ts';

export interface PeersExpected {
  readonly vxlanPort: number;
  /** Of the underlay, for advice; '' where it isn't known. */
  readonly device: string;
}

/** Tokens expire, and of two containers that claim a name the older keeps it: clocks need be right to a second. */
const CLOCK_WARNING_MS = 1_000;
const CLOCK_PROBLEM_MS = 30_000;

/** What passes between this host and its peers. One finding per question; a problem names the peers that have it. */
export function checkPeers(peers: readonly PeerSeen[], expected: PeersExpected): readonly Finding[] {
  if (peers.length === 0) return [ok('peers', 'there are none to try')];
  return [
    checkDaemons(peers),
    ...checkOverlay(peers, expected),
    ...checkSizes(peers, expected),
    ...checkChecksums(peers, expected),
    ...checkClocks(peers),
  ];
}

function checkDaemons(peers: readonly PeerSeen[]): Finding {
  const silent = peers.flatMap((peer) => ('error' in peer.daemon ? [`${nameOf(peer)}: ${peer.daemon.error}`] : []));
  if (silent.length === 0) return ok('peers', `${count(peers.length)} on the control port`);
  const advice = 'See whether its daemon runs, and whether a firewall closes 8001/tcp (or what --port says) between the hosts.';
  return problem('peers', `no answer from ${listed(silent)}`, advice);
}

function checkOverlay(peers: readonly PeerSeen[], { vxlanPort }: PeersExpected): readonly Finding[] {
  const check = 'vxlan';
  // Of one whose daemon doesn't answer either there is nothing to tell that isn't told.
  const reached = peers.filter((peer) => !('error' in peer.daemon) || answered(peer.overlay.small));
  if (reached.length === 0) return [];
  const mute = reached.filter((peer) => !answered(peer.overlay.small));
  if (mute.length === 0) return [ok(check, `${count(reached.length)} through ${vxlanPort}/udp, in ${range(reached)}`)];
  const unsent = mute.flatMap((peer) => (peer.overlay.small.kind === 'unsent' ? [`${nameOf(peer)}: ${peer.overlay.small.code}`] : []));
  if (unsent.length > 0) {
    return [problem(check, `this host has no way to ${listed(unsent)}`, 'See the findings about this host, and the daemon’s log.')];
  }
  const advice =
    `Open ${vxlanPort}/udp in both directions between the hosts: in their firewalls, and in the cloud’s security groups; ` +
    'some clouds and hypervisors keep VXLAN’s port to themselves: then make the instance with another --vxlan-port.';
  return [problem(check, `no answer through ${vxlanPort}/udp from ${listed(mute.map(nameOf))}, though the daemon there answers`, advice)];
}

function checkSizes(peers: readonly PeerSeen[], { device }: PeersExpected): readonly Finding[] {
  const findings: Finding[] = [];
  const underlay = peers.filter((peer) => isCut(peer.underlay));
  const overlay = peers.filter((peer) => isCut(peer.overlay) && !isCut(peer.underlay));
  const said = (pick: (peer: PeerSeen) => SizedPings) => (peer: PeerSeen) => {
    const { fullBytes, largestBytes } = pick(peer);
    return `${nameOf(peer)} (${fullBytes} bytes don’t pass${largestBytes > 0 ? `, ${largestBytes} do` : ''})`;
  };
  if (underlay.length > 0) {
    const least = Math.min(...underlay.map((peer) => peer.underlay.largestBytes).filter((bytes) => bytes > 0));
    const mtu = Number.isFinite(least) ? String(least) : 'N';
    const advice =
      `The path takes less than the devices at its ends say. Run \`ip link set ${device === '' ? 'DEVICE' : device} mtu ${mtu}\` on these hosts ` +
      'and keep it, or raise what the path takes; then restart their daemons.';
    findings.push(problem('mtu', `on the underlay to ${listed(underlay.map(said(({ underlay: of }) => of)))}`, advice));
  }
  if (overlay.length > 0) {
    const advice =
      `The underlay must take packets ${VXLAN_BYTES} bytes larger than these. Lower the underlay’s MTU on these hosts by what is missing, ` +
      'and restart their daemons.';
    findings.push(problem('mtu', `through VXLAN to ${listed(overlay.map(said(({ overlay: of }) => of)))}`, advice));
  }
  if (findings.length > 0) return findings;
  const tried = peers.filter((peer) => answered(peer.overlay.full));
  if (tried.length === 0) return [];
  const sizes = [...new Set(tried.map((peer) => peer.overlay.fullBytes))].toSorted((a, b) => a - b);
  return [ok('mtu', `packets of ${sizes.join(' and ')} bytes pass whole through VXLAN`)];
}

function checkChecksums(peers: readonly PeerSeen[], { device }: PeersExpected): readonly Finding[] {
  const check = 'checksum offload';
  const tried = peers.flatMap((peer) => (peer.echo === undefined ? [] : [{ peer, echo: peer.echo }]));
  if (tried.length === 0) return [];
  // Where large packets don't pass at all, those lost have nothing to do with checksums.
  const lost = tried.filter(({ peer, echo }) => echo.smallBack === 0 || (echo.largeBack === 0 && answered(peer.overlay.full)));
  const wrong = tried.filter(({ echo }) => echo.checksumErrors > 0);
  if (lost.length === 0 && wrong.length === 0) return [ok(check, `UDP of all sizes comes back from ${count(tried.length, false)}`)];
  const where = device === '' ? 'the underlay’s device' : device;
  const advice =
    `Run \`ethtool -K ${where} tx-checksum-ip-generic off\` on both hosts and try again; where it helps, keep it, ` +
    'or update the driver. Drivers of virtual network cards get checksums inside VXLAN wrong at times.';
  if (wrong.length > 0) {
    const seen = wrong.map(({ peer, echo }) => `${nameOf(peer)} (${echo.checksumErrors})`);
    return [problem(check, `wrong checksums between this host and ${listed(seen)}`, advice)];
  }
  const seen = lost.map(
    ({ peer, echo }) => `${nameOf(peer)} (${echo.smallBack} small and ${echo.largeBack} large of ${echo.sent} came back)`,
  );
  const firewall = 'or a firewall there that drops UDP from this node’s devices';
  return [warning(check, `pings pass, UDP does not: ${listed(seen)}; wrong checksums, ${firewall}`, advice)];
}

function checkClocks(peers: readonly PeerSeen[]): readonly Finding[] {
  const clocks = peers.flatMap((peer) =>
    'error' in peer.daemon ? [] : [{ peer, ms: peer.daemon.clockAheadMs, within: peer.daemon.roundTripMs }],
  );
  if (clocks.length === 0) return [];
  // An answer tells the time no more exactly than it took.
  const off = clocks.filter(({ ms, within }) => Math.abs(ms) - within > CLOCK_WARNING_MS);
  const worst = Math.max(...clocks.map(({ ms }) => Math.abs(ms)));
  if (off.length === 0) return [ok('clock', `at most ${duration(worst)} between this host and ${count(clocks.length, false)}`)];
  const seen = `differs: ${listed(off.map(({ peer, ms }) => `${nameOf(peer)} is ${duration(Math.abs(ms))} ${ms > 0 ? 'ahead' : 'behind'}`))}`;
  const advice =
    off.length === clocks.length && clocks.length > 1
      ? 'This host’s clock is the odd one: run a time service here, chrony or systemd-timesyncd.'
      : 'Run a time service there, chrony or systemd-timesyncd.';
  const finding = off.some(({ ms }) => Math.abs(ms) > CLOCK_PROBLEM_MS) ? problem : warning;
  return [finding('clock', seen, advice)];
}

const answered = (answer: PingAnswer): boolean => answer.kind === 'answered';
/** Small ones pass, and large ones don't. */
const isCut = ({ small, full }: SizedPings): boolean => answered(small) && !answered(full);
const nameOf = ({ name, underlayIp }: PeerSeen): string => `${name} (${underlayIp})`;

function count(peers: number, withVerb = true): string {
  if (peers === 1) return withVerb ? 'the only peer answers' : 'the only peer';
  return withVerb ? `all ${peers} peers answer` : `all ${peers} peers`;
}

function range(peers: readonly PeerSeen[]): string {
  const times = peers.flatMap(({ overlay: { small } }) => (small.kind === 'answered' ? [small.roundTripMs] : []));
  const [least, most] = [Math.min(...times).toFixed(1), Math.max(...times).toFixed(1)];
  return least === most ? `${most} ms` : `${least} to ${most} ms`;
}

const duration = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);
