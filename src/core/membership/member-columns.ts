import type { Member } from '../model/index.ts';
import { MEMBER_STATES } from '../model/index.ts';
import type { Claim } from './claim.ts';

/**
 * What is known of each member, a column for each fact and a slot for each member: a table of 10,000 takes 0.4 MB
 * beside the records that were received, where a row object each takes 2 MB.
 */
export class MemberColumns {
  /** Records as they came, each with the state `alive` that its member gave itself; undefined in a free slot. */
  readonly records: (Member | undefined)[] = [];
  /** When the state last changed, monotonic ms. */
  since: Float64Array;
  /** 1 where it has sent us anything. */
  heard: Uint8Array;
  /** Where it is among the peers; −1 where it is not live. */
  places: Int32Array;
  /** Of the highest claim heard. */
  #incarnations: Float64Array;
  #states: Uint8Array;
  readonly #free: number[] = [];

  constructor(expected: number) {
    this.since = new Float64Array(expected);
    this.heard = new Uint8Array(expected);
    this.places = new Int32Array(expected);
    this.#incarnations = new Float64Array(expected);
    this.#states = new Uint8Array(expected);
  }

  /** A slot that nobody has. */
  take(record: Member, sinceMs: number): number {
    const slot = this.#free.pop() ?? this.records.length;
    if (slot >= this.heard.length) this.#grow();
    this.records[slot] = record;
    this.since[slot] = sinceMs;
    this.heard[slot] = 0;
    this.places[slot] = -1;
    this.setClaim(slot, record);
    return slot;
  }

  release(slot: number): void {
    this.records[slot] = undefined;
    this.#free.push(slot);
  }

  record(slot: number): Member {
    return this.records[slot] as Member;
  }

  /** What everybody sees: the record with the state it is believed to be in. The record itself where that is alive, as it mostly is. */
  member(slot: number): Member {
    const record = this.record(slot);
    const state = this.state(slot);
    return state === record.state ? record : { ...record, state };
  }

  /** Slots that are taken. */
  *slots(): Generator<number> {
    for (let slot = 0; slot < this.records.length; slot++) if (this.records[slot] !== undefined) yield slot;
  }

  claim(slot: number): Claim {
    return { incarnation: this.#incarnations[slot] as number, state: this.state(slot) };
  }

  state(slot: number): Claim['state'] {
    return MEMBER_STATES[this.#states[slot] as number] as Claim['state'];
  }

  setClaim(slot: number, { incarnation, state }: Claim): void {
    this.#incarnations[slot] = incarnation;
    this.#states[slot] = MEMBER_STATES.indexOf(state);
  }

  #grow(): void {
    const length = Math.ceil(this.heard.length * 1.5) + 8;
    this.since = grown(this.since, new Float64Array(length));
    this.heard = grown(this.heard, new Uint8Array(length));
    this.places = grown(this.places, new Int32Array(length));
    this.#incarnations = grown(this.#incarnations, new Float64Array(length));
    this.#states = grown(this.#states, new Uint8Array(length));
  }
}

function grown<A extends Float64Array | Int32Array | Uint8Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
