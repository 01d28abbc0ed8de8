import type { Prng } from '../../lib/prng.ts';

/** One node as often as any other number of them, but never all; sorted. */
export function drawSide(random: Prng, nodes: number): readonly number[] {
  return drawSome(random, nodes, random.chance(0.5) ? 1 : 1 + random.int(Math.max(1, nodes - 1)));
}

/** `count` of the nodes, sorted. */
export function drawSome(random: Prng, nodes: number, count: number): readonly number[] {
  return random
    .shuffle(Array.from({ length: nodes }, (_, i) => i))
    .slice(0, count)
    .sort((a, b) => a - b);
}

export function drawIp(random: Prng): string {
  return `10.1.${random.int(256)}.${1 + random.int(254)}`;
}
