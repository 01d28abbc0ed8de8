/** Something that goes wrong: what, where, when and for how long. Nodes by index, times in virtual ms. */
export type Fault = { readonly atMs: number; readonly forMs: number } & (
  | {
      /** The daemon dies within a turn, after `effects` of its effects, and comes back. Containers run on. */
      readonly kind: 'crash';
      readonly node: number;
      readonly effects: number;
    }
  /** The host goes down and comes back without its containers running. */
  | { readonly kind: 'reboot'; readonly node: number }
  /** As crash, and the host comes back under another address. */
  | { readonly kind: 'readdress'; readonly node: number; readonly ip: string }
  /** The daemon stands still; what was sent to it waits. */
  | { readonly kind: 'pause'; readonly node: number }
  /** Packets between `side` and the rest don't pass: none, or none into the side, or none out of it. */
  | { readonly kind: 'partition'; readonly side: readonly number[]; readonly blocked: 'both' | 'in' | 'out' }
  /** All packets are lost more often. */
  | { readonly kind: 'loss'; readonly loss: number }
  /** All packets are late. */
  | { readonly kind: 'slow'; readonly latencyMs: number }
  | { readonly kind: 'disk-full'; readonly node: number }
  /** The engine refuses most orders. */
  | { readonly kind: 'engine-broken'; readonly node: number }
  /** The node says goodbye and never comes back. */
  | { readonly kind: 'leave'; readonly node: number }
  /** The node takes nothing new for a while. */
  | { readonly kind: 'drain'; readonly node: number }
  /** The wall clock jumps, and stays. */
  | { readonly kind: 'wall-jump'; readonly node: number; readonly byMs: number }
);

export type FaultKind = Fault['kind'];

/** One line, for traces and reports. */
export function describeFault(fault: Fault): string {
  const { kind, atMs, forMs, ...rest } = fault;
  const facts = Object.entries(rest).map(([key, value]) => `${key}=${Array.isArray(value) ? value.join('+') : value}`);
  return `${kind} at ${Math.round(atMs)} ms for ${Math.round(forMs)} ms ${facts.join(' ')}`;
}
