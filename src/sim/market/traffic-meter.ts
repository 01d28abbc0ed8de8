import type { Message, MessageKind } from '../../core/model/index.ts';
import { STREAM_KINDS } from '../../core/model/index.ts';
import { encode } from '../../core/wire/index.ts';
import { SEAL_BYTES } from '../network/packet-network.ts';
import type { PlacementTraffic } from '../workloads/contender.ts';

/** Of each kind so many are encoded; the rest is taken to be as long as these on average. */
const SAMPLED = 200;
const UPKEEP: ReadonlySet<MessageKind> = new Set(['publish', 'withdraw']);
/** A name is claimed before its container is placed, and kept in the directory while that is there. */
const NAMES: ReadonlySet<MessageKind> = new Set([
  'name-claim',
  'name-claimed',
  'name-release',
  'name-conflict',
  'register',
  'registered',
  'look-up',
  'found',
]);
/** Answers on the launch's own stream: counted by kind, not among a placement's messages. */
const ANSWERS: ReadonlySet<MessageKind> = new Set(['launched', 'launch-refused']);

/** Counts messages between different nodes. */
export class TrafficMeter {
  readonly kinds = new Map<MessageKind, number>();
  lost = 0;
  readonly #sizes = new Map<MessageKind, { samples: number; bytes: number }>();
  readonly #second: Int32Array;
  readonly #inSecond: Int32Array;
  readonly #received: Float64Array;
  #hottestPeak = 0;
  #sinceMs = 0;

  constructor(nodes: number) {
    this.#second = new Int32Array(nodes);
    this.#inSecond = new Int32Array(nodes);
    this.#received = new Float64Array(nodes);
  }

  sent(message: Message): void {
    const { kind } = message;
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
    const size = this.#sizes.get(kind) ?? { samples: 0, bytes: 0 };
    if (size.samples >= SAMPLED) return;
    size.samples++;
    size.bytes += encode(message).length + (STREAM_KINDS.has(kind) ? 0 : SEAL_BYTES);
    this.#sizes.set(kind, size);
  }

  received(node: number, nowMs: number): void {
    const second = Math.floor(nowMs / 1_000);
    if (this.#second[node] !== second) {
      this.#second[node] = second;
      this.#inSecond[node] = 0;
    }
    const now = (this.#inSecond[node] as number) + 1;
    this.#inSecond[node] = now;
    this.#hottestPeak = Math.max(this.#hottestPeak, now);
    this.#received[node] = (this.#received[node] as number) + 1;
  }

  /** From now on, as if nothing had been sent before. */
  restart(nowMs: number): void {
    this.kinds.clear();
    this.lost = 0;
    this.#received.fill(0);
    this.#inSecond.fill(0);
    this.#hottestPeak = 0;
    this.#sinceMs = nowMs;
  }

  report(nowMs: number, refusedReserves: number): PlacementTraffic {
    let placement = 0;
    let upkeep = 0;
    let names = 0;
    let bytes = 0;
    for (const [kind, n] of this.kinds) {
      const size = this.#sizes.get(kind);
      bytes += size === undefined ? 0 : (n * size.bytes) / size.samples;
      if (UPKEEP.has(kind)) upkeep += n;
      else if (NAMES.has(kind)) names += n;
      else if (!ANSWERS.has(kind)) placement += n;
    }
    const hottestMean = this.#received.reduce((most, n) => Math.max(most, n), 0) / Math.max(1, (nowMs - this.#sinceMs) / 1_000);
    return { placement, upkeep, names, refusedReserves, bytes: Math.round(bytes), hottestPeak: this.#hottestPeak, hottestMean };
  }
}
