import { describe, expect, it } from 'vitest';
import type { PingAnswer } from '../../linux/ping.ts';
import { checkPeers } from './check-peers.ts';
import type { PeerSeen, SizedPings } from './facts.ts';
import type { Finding } from './finding.ts';

const EXPECTED = { vxlanPort: 4789, device: 'eth0' };
const ANSWERED: PingAnswer = { kind: 'answered', roundTripMs: 0.34 };
const SILENT: PingAnswer = { kind: 'silent' };

const pings = (fullBytes: number): SizedPings => ({ small: ANSWERED, full: ANSWERED, fullBytes, largestBytes: fullBytes });
const cut = (fullBytes: number, largestBytes: number): SizedPings => ({ small: ANSWERED, full: SILENT, fullBytes, largestBytes });
const mute = (fullBytes: number): SizedPings => ({ small: SILENT, full: SILENT, fullBytes, largestBytes: 0 });
const WELL: PeerSeen = {
  name: 'node-2',
  underlayIp: '10.0.0.2',
  daemon: { roundTripMs: 3, clockAheadMs: 12 },
  underlay: pings(1500),
  overlay: pings(1450),
  echo: { sent: 5, smallBack: 5, largeBack: 5, checksumErrors: 0 },
};
const THIRD: PeerSeen = { ...WELL, name: 'node-3', underlayIp: '10.0.0.3' };

const check = (...peers: readonly PeerSeen[]): readonly Finding[] => checkPeers(peers, EXPECTED);
const wrong = (...peers: readonly PeerSeen[]): readonly Finding[] => check(...peers).filter(({ state }) => state !== 'ok');

describe('checkPeers', () => {
  it('finds nothing wrong where nothing is, and says how many were tried', () => {
    expect(check(WELL, THIRD).map(({ check: name, state, advice }) => `${name} ${state}${advice}`)).toEqual([
      'peers ok',
      'vxlan ok',
      'mtu ok',
      'checksum offload ok',
      'clock ok',
    ]);
    expect(check(WELL, THIRD)[1]?.seen).toBe('all 2 peers answer through 4789/udp, in 0.3 ms');
    expect(check()).toMatchObject([{ check: 'peers', state: 'ok' }]);
  });

  it('names peers whose daemon does not answer, and judges no more of them', () => {
    const away: PeerSeen = {
      ...THIRD,
      daemon: { error: 'connection refused' },
      underlay: mute(1500),
      overlay: mute(1450),
      echo: undefined,
    };
    expect(wrong(WELL, away)).toMatchObject([
      { check: 'peers', state: 'problem', seen: 'no answer from node-3 (10.0.0.3): connection refused' },
    ]);
    expect(wrong(away)).toHaveLength(1);
  });

  it('knows a closed VXLAN port', () => {
    const closed: PeerSeen = { ...THIRD, overlay: mute(1450), echo: undefined };
    expect(wrong(WELL, closed)).toMatchObject([
      {
        check: 'vxlan',
        state: 'problem',
        seen: expect.stringContaining('node-3 (10.0.0.3)'),
        advice: expect.stringContaining('Open 4789/udp in both directions'),
      },
    ]);
    const unsent: PeerSeen = { ...closed, overlay: { ...mute(1450), small: { kind: 'unsent', code: 'ENETUNREACH' } } };
    expect(wrong(unsent)).toMatchObject([{ check: 'vxlan', seen: expect.stringContaining('ENETUNREACH') }]);
  });

  it('tells an underlay that takes less than it says from an overlay that does', () => {
    expect(wrong(WELL, { ...THIRD, underlay: cut(1500, 1400), overlay: cut(1450, 1350) })).toMatchObject([
      {
        check: 'mtu',
        state: 'problem',
        seen: 'on the underlay to node-3 (10.0.0.3) (1500 bytes don’t pass, 1400 do)',
        advice: expect.stringContaining('ip link set eth0 mtu 1400'),
      },
    ]);
    // Pings are not answered on the underlay: the overlay shows it all the same.
    expect(wrong({ ...THIRD, underlay: mute(1500), overlay: cut(1450, 1350) })).toMatchObject([
      { check: 'mtu', state: 'problem', seen: expect.stringContaining('through VXLAN to node-3') },
    ]);
    expect(wrong({ ...WELL, underlay: mute(1500) })).toEqual([]);
  });

  it('suspects checksums where pings pass and UDP does not', () => {
    expect(wrong({ ...WELL, echo: { sent: 5, smallBack: 5, largeBack: 0, checksumErrors: 0 } })).toMatchObject([
      { check: 'checksum offload', state: 'warning', seen: expect.stringContaining('5 small and 0 large of 5') },
    ]);
    expect(wrong({ ...WELL, echo: { sent: 5, smallBack: 0, largeBack: 0, checksumErrors: 10 } })).toMatchObject([
      { check: 'checksum offload', state: 'problem', advice: expect.stringContaining('ethtool -K eth0 tx-checksum-ip-generic off') },
    ]);
    // Large ones don't pass for another reason.
    const narrow: PeerSeen = { ...WELL, overlay: cut(1450, 1350), echo: { sent: 5, smallBack: 5, largeBack: 0, checksumErrors: 0 } };
    expect(wrong(narrow).map(({ check: name }) => name)).toEqual(['mtu']);
    // One lost datagram is a network's right.
    expect(wrong({ ...WELL, echo: { sent: 5, smallBack: 4, largeBack: 4, checksumErrors: 0 } })).toEqual([]);
  });

  it('compares clocks, no more exactly than it can', () => {
    const off = (name: string, clockAheadMs: number, roundTripMs = 3): PeerSeen => ({
      ...WELL,
      name,
      daemon: { roundTripMs, clockAheadMs },
    });
    expect(wrong(off('a', 900), off('b', -4_000, 3_500))).toEqual([]);
    expect(wrong(off('a', -1_600), off('b', 0))).toMatchObject([
      { check: 'clock', state: 'warning', seen: 'differs: a (10.0.0.2) is 1.6 s behind', advice: expect.stringContaining('there') },
    ]);
    expect(wrong(off('a', 90_000), off('b', 91_000))).toMatchObject([
      { check: 'clock', state: 'problem', advice: expect.stringContaining('This host’s clock') },
    ]);
  });
});
