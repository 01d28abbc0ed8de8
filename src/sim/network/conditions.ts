/** What the network between the nodes is like. Probabilities are per packet. */
export interface Conditions {
  readonly minLatencyMs: number;
  /** Added to the latency, uniform from 0. */
  readonly jitterMs: number;
  readonly loss: number;
  readonly duplication: number;
  /** Share of packets held back by up to `reorderMs`, so that later ones overtake them. */
  readonly reordering: number;
  readonly reorderMs: number;
  /** Share of messages on a stream that are lost with their connection. */
  readonly resets: number;
  /** Share of messages on a stream that arrive twice: sent again since the answer was lost. */
  readonly repeats: number;
}

export const CALM: Conditions = {
  minLatencyMs: 0.5,
  jitterMs: 2,
  loss: 0,
  duplication: 0,
  reordering: 0,
  reorderMs: 0,
  resets: 0,
  repeats: 0,
};

/** A network in use: a little of everything. */
export function everyday(loss: number): Conditions {
  return { minLatencyMs: 0.5, jitterMs: 5, loss, duplication: 0.01, reordering: 0.02, reorderMs: 40, resets: loss / 4, repeats: 0.02 };
}
