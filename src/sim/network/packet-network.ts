import { LIMITS, STREAM_KINDS } from '../../core/model/index.ts';
import type { Message, MessageKind, NodeId } from '../../core/model/index.ts';
import { decode, encode } from '../../core/wire/index.ts';
import type { Prng } from '../../lib/prng.ts';
import type { Schedule } from '../schedule.ts';
import type { Trace } from '../trace.ts';
import { aboutMessage } from './about-message.ts';
import { Clog } from './clog.ts';
import { distanceMs } from './conditions.ts';
import type { Conditions } from './conditions.ts';
import { drawLatency } from './latency.ts';
import type { Links } from './links.ts';

/** Header, nonce and tag around a sealed datagram's message. */
export const SEAL_BYTES = 64;

/** A host on the network, as the wire sees it. */
export interface Station {
  readonly index: number;
  readonly id: NodeId;
  readonly ip: string;
  /** Whether its daemon takes part at the moment. */
  readonly up: boolean;
  /** Where it believes `peer` to be; undefined: it has never heard of it. */
  addressOf(peer: NodeId): string | undefined;
  deliver(from: NodeId, message: Message): void;
}

export interface Traffic {
  datagrams: number;
  datagramBytes: number;
  streamMessages: number;
  streamBytes: number;
  lost: number;
  duplicated: number;
  /** Kinds meant for datagrams that were too big for one, by kind. */
  readonly oversized: Map<string, number>;
  /** By message kind. */
  readonly kinds: Map<string, number>;
}

export type Tampering = (from: number, to: number, message: Message) => 'lost' | number | undefined;

/**
 * Packets between stations by IP address, late, lost, doubled, out of order, blocked in one
 * direction, held back together. Every message is encoded and decoded on its way. Messages on a stream come through
 * loss, but not through a block in either direction, nor to a station that is down.
 */
export class PacketNetwork {
  readonly traffic: Traffic = {
    datagrams: 0,
    datagramBytes: 0,
    streamMessages: 0,
    streamBytes: 0,
    lost: 0,
    duplicated: 0,
    oversized: new Map(),
    kinds: new Map(),
  };
  readonly #worse = new Set<Partial<Conditions>>();
  #base: Conditions;
  #conditions: Conditions;
  readonly #stations = new Map<string, Station>();
  readonly #blocks = new Set<Links>();
  readonly #clogs = new Set<Clog>();
  readonly #tamperings = new Set<Tampering>();
  readonly #delays = new Set<{ readonly on: Links; readonly byMs: number }>();
  readonly #schedule: Schedule;
  readonly #random: Prng;
  readonly #trace: Trace;

  constructor(schedule: Schedule, random: Prng, trace: Trace, conditions: Conditions) {
    this.#schedule = schedule;
    this.#random = random;
    this.#trace = trace;
    this.#base = conditions;
    this.#conditions = conditions;
  }

  /** Puts the station at its current address. */
  attach(station: Station): void {
    this.detach(station);
    this.#stations.set(station.ip, station);
  }

  /** Nothing reaches the station until it is attached again. */
  detach(station: Station): void {
    for (const [ip, other] of this.#stations) if (other === station) this.#stations.delete(ip);
  }

  /** The network as it is without what `worsen` adds. */
  settle(conditions: Conditions): void {
    this.#base = conditions;
    this.#mix();
  }

  /** Overlays `change` on the conditions until the returned function is called. */
  worsen(change: Partial<Conditions>): () => void {
    this.#worse.add(change);
    this.#mix();
    return () => {
      this.#worse.delete(change);
      this.#mix();
    };
  }

  /** Blocks packets for which `blocks` is true until the returned function is called. */
  block(blocks: Links): () => void {
    this.#blocks.add(blocks);
    return () => this.#blocks.delete(blocks);
  }

  /** Holds back packets on these links until the returned function is called; then all arrive at once, in order. */
  clog(on: Links): () => void {
    const clog = new Clog(on);
    this.#clogs.add(clog);
    return () => {
      this.#clogs.delete(clog);
      for (const arrive of clog.release()) this.#schedule.after(0, arrive);
    };
  }

  /** Makes packets on these links late until the returned function is called. */
  delay(on: Links, byMs: number): () => void {
    const delay = { on, byMs };
    this.#delays.add(delay);
    return () => this.#delays.delete(delay);
  }

  /** Decides over single messages until the returned function is called: lost, or that many ms later; the first rule that says so. */
  tamper(rule: Tampering): () => void {
    this.#tamperings.add(rule);
    return () => this.#tamperings.delete(rule);
  }

  /** Whether the wire carries packets from one to the other now. */
  passes(from: number, to: number): boolean {
    for (const blocks of this.#blocks) if (blocks(from, to)) return false;
    return true;
  }

  send(from: Station, to: NodeId, message: Message): void {
    const bytes = encode(message);
    const asStream = STREAM_KINDS.has(message.kind) || bytes.length + SEAL_BYTES > LIMITS.datagramBytes;
    this.#count(message.kind, bytes.length, asStream);
    const ip = from.addressOf(to);
    const target = ip === undefined ? undefined : this.#stations.get(ip);
    this.#trace.note(
      this.#schedule.nowMs,
      from.index,
      `send ${aboutMessage(message)} to ${target?.index ?? 'nowhere'} ${bytes.length}`,
      bytes,
    );
    const fate = target === undefined ? 'lost' : this.#fateOf(from, target, message);
    if (target === undefined || fate === 'lost') {
      this.traffic.lost++;
    } else if (fate !== undefined) {
      this.#schedule.after(fate, () => this.#arrive(from, target, bytes));
    } else if (asStream) {
      this.#stream(from, target, to, bytes);
    } else {
      this.#datagram(from, target, bytes);
      if (this.#random.chance(this.#conditions.duplication)) {
        this.traffic.duplicated++;
        this.#datagram(from, target, bytes);
      }
    }
  }

  #fateOf(from: Station, target: Station, message: Message): 'lost' | number | undefined {
    for (const rule of this.#tamperings) {
      const fate = rule(from.index, target.index, message);
      if (fate !== undefined) return fate;
    }
    return undefined;
  }

  #datagram(from: Station, target: Station, bytes: Uint8Array): void {
    const { loss, reordering, reorderMs } = this.#conditions;
    const lost = this.#random.chance(loss);
    const lateMs = this.#random.chance(reordering) ? this.#random.float() * reorderMs : 0;
    if (lost || !this.passes(from.index, target.index)) {
      this.traffic.lost++;
      return;
    }
    this.#schedule.after(this.#latencyMs(from, target) + lateMs, () => this.#arrive(from, target, bytes));
  }

  /** A stream needs both directions and a peer that proves its identity: at a reused address it is refused. */
  #stream(from: Station, target: Station, to: NodeId, bytes: Uint8Array): void {
    const { resets, repeats } = this.#conditions;
    const reset = this.#random.chance(resets);
    const arrive = (): void => {
      const open = target.id === to && this.passes(from.index, target.index) && this.passes(target.index, from.index);
      if (open && !reset) this.#arrive(from, target, bytes);
      else this.traffic.lost++;
    };
    this.#schedule.after(this.#latencyMs(from, target) * 3, arrive);
    if (!this.#random.chance(repeats)) return;
    this.traffic.duplicated++;
    this.#schedule.after(this.#latencyMs(from, target) * 6, arrive);
  }

  #arrive(from: Station, target: Station, bytes: Uint8Array): void {
    for (const clog of this.#clogs) {
      if (!clog.holds(from.index, target.index)) continue;
      if (!clog.keep(() => this.#arrive(from, target, bytes))) this.traffic.lost++;
      return;
    }
    if (target.up) target.deliver(from.id, decode(bytes));
    else this.traffic.lost++;
  }

  #latencyMs(from: Station, to: Station): number {
    const { latency, extraMs } = this.#conditions;
    let ms = drawLatency(latency, this.#random) + extraMs + distanceMs(this.#conditions, from.index, to.index);
    for (const { on, byMs } of this.#delays) if (on(from.index, to.index)) ms += byMs;
    return ms;
  }

  #mix(): void {
    this.#conditions = { ...this.#base };
    for (const change of this.#worse) Object.assign(this.#conditions, change);
  }

  #count(kind: MessageKind, bytes: number, asStream: boolean): void {
    this.traffic.kinds.set(kind, (this.traffic.kinds.get(kind) ?? 0) + 1);
    if (asStream) {
      this.traffic.streamMessages++;
      this.traffic.streamBytes += bytes;
      if (!STREAM_KINDS.has(kind)) this.traffic.oversized.set(kind, (this.traffic.oversized.get(kind) ?? 0) + 1);
    } else {
      this.traffic.datagrams++;
      this.traffic.datagramBytes += bytes + SEAL_BYTES;
    }
  }
}
