import type { Prng } from '../../lib/prng.ts';
import type { NodeId, Turn } from '../model/index.ts';
import { isLive } from './claim.ts';
import type { LocalHealth } from './local-health.ts';
import type { Entry, MemberTable } from './member-table.ts';
import type { Packets } from './packets.ts';
import type { RandomRounds } from './random-rounds.ts';
import type { MembershipProfile } from './profile.ts';
import type { Timers } from './timers.ts';

interface Parts {
  readonly table: MemberTable;
  readonly packets: Packets;
  readonly order: RandomRounds;
  readonly health: LocalHealth;
  readonly timers: Timers;
  readonly profile: MembershipProfile;
  readonly nextSequence: () => number;
  /** A probe ended without an ack. */
  readonly onFailed: (turn: Turn, entry: Entry) => void;
}

interface Probe {
  readonly target: NodeId;
  /** Under which it was pinged: an answer to suspicion that came meanwhile is a sign of life, too. */
  readonly incarnation: number;
  readonly sequence: number;
  /** Intermediaries asked, and those of them that have answered nack. */
  readonly asked: Set<NodeId>;
  readonly nacked: Set<NodeId>;
  acked: boolean;
}

/**
 * SWIM's failure detector (Das 2002, §3.1), with Lifeguard's nacks and health.
 *
 * Each probeMs one member, in random round-robin order, is pinged. Without an ack after probeTimeoutMs, k others
 * are asked to ping it. A probe ends where the next begins; any ack until then, direct or relayed, is success.
 * Deviation: no ping over a stream as a last resort; a node whose UDP is blocked can't do its work here.
 * Cost per node, idle: two pings and two acks per probeMs, sent and received together, whatever N is.
 */
export class Prober {
  readonly #parts: Parts;
  #probe: Probe | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The first probe comes at a random moment, so that nodes started together don't probe together. */
  start(turn: Turn): void {
    this.#parts.timers.arm(turn, 'probe', '', Math.floor(turn.random.float() * this.#parts.profile.probeMs));
  }

  stop(): void {
    this.#probe = undefined;
    this.#parts.timers.disarm('probe', '');
    this.#parts.timers.disarm('probe-timeout', '');
  }

  /** The 'probe' timer: concludes one, begins the next. */
  next(turn: Turn): void {
    const { order, packets, timers, health, profile, nextSequence } = this.#parts;
    this.#conclude(turn);
    const target = order.next(turn.random);
    if (target !== undefined) {
      const { id, claim } = target;
      const sequence = nextSequence();
      this.#probe = { target: id, incarnation: claim.incarnation, sequence, asked: new Set(), nacked: new Set(), acked: false };
      packets.send(turn, id, { kind: 'ping', sequence, target: id });
      timers.arm(turn, 'probe-timeout', '', health.scale(profile.probeTimeoutMs));
    }
    timers.arm(turn, 'probe', '', health.scale(profile.probeMs));
  }

  /** The 'probe-timeout' timer: asks others. */
  askOthers(turn: Turn): void {
    const probe = this.#probe;
    if (probe === undefined || probe.acked) return;
    const { table, packets, profile } = this.#parts;
    const others = pickSome(turn.random, table.peers, profile.indirectProbes, (entry) => entry.id !== probe.target);
    for (const { id } of others) {
      probe.asked.add(id);
      packets.send(turn, id, { kind: 'ping-request', sequence: probe.sequence, target: probe.target });
    }
  }

  /** True where the ack belongs to the probe under way: from its target, or from an intermediary. */
  ack(turn: Turn, from: NodeId, sequence: number): boolean {
    const probe = this.#probe;
    if (probe === undefined || probe.sequence !== sequence) return false;
    if (from !== probe.target && !probe.asked.has(from)) return false;
    probe.acked = true;
    this.#parts.timers.drop(turn, 'probe-timeout', '');
    return true;
  }

  nack(from: NodeId, sequence: number): void {
    const probe = this.#probe;
    if (probe?.sequence === sequence && probe.asked.has(from)) probe.nacked.add(from);
  }

  #conclude(turn: Turn): void {
    const probe = this.#probe;
    this.#probe = undefined;
    if (probe === undefined) return;
    const { table, health, onFailed } = this.#parts;
    if (probe.acked) return health.worsen(-1);
    // Nacks prove that our own messages go through; each that is missing speaks against ourselves.
    health.worsen(probe.asked.size > 0 ? probe.asked.size - probe.nacked.size : 1);
    const entry = table.get(probe.target);
    if (entry !== undefined && isLive(entry.claim.state) && entry.claim.incarnation === probe.incarnation) onFailed(turn, entry);
  }
}

/** At most `count` distinct items that qualify, at random; tries a bounded number of draws where `from` is long. */
export function pickSome<T>(
  random: Prng,
  from: { readonly length: number; at(place: number): T | undefined },
  count: number,
  qualifies: (item: T) => boolean,
): readonly T[] {
  const at = (place: number): T => from.at(place) as T;
  if (from.length <= 4 * count)
    return random.shuffle(Array.from({ length: from.length }, (_, i) => at(i)).filter(qualifies)).slice(0, count);
  const places = new Set<number>();
  for (let draws = 0; draws < 4 * count && places.size < count; draws++) {
    const place = random.int(from.length);
    if (!places.has(place) && qualifies(at(place))) places.add(place);
  }
  return Array.from(places, at);
}
