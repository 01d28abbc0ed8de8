import type { Prng } from '../../lib/prng.ts';

/** How long a packet takes one way, apart from the distance between its ends. */
export type Latency =
  | { readonly kind: 'uniform'; readonly leastMs: number; readonly spreadMs: number }
  /** Most are near the median, a few take many times as long (radio, busy hosts): ln of it is normal with this sigma. */
  | { readonly kind: 'log-normal'; readonly medianMs: number; readonly sigma: number; readonly mostMs: number };

/** Ms, one way. */
export function drawLatency(latency: Latency, random: Prng): number {
  if (latency.kind === 'uniform') return latency.leastMs + random.float() * latency.spreadMs;
  return Math.min(latency.mostMs, latency.medianMs * Math.exp(latency.sigma * gauss(random)));
}

/** Standard normal (Box and Muller 1958). */
function gauss(random: Prng): number {
  return Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
}
