import { regionKey } from '../../src/core/model/index.ts';
import type { SimNode } from '../../src/sim/host/sim-node.ts';
import type { World } from '../../src/sim/world.ts';

/**
 * What a transcript does to messages until it says `heal`:
 *
 *   > lose accept [to a]           messages of this kind are lost
 *   > late accept 2s [to a]        … come that much later
 */
export function disturb(world: World, line: readonly string[], node: (name: string) => SimNode): () => void {
  const [verb, kind = '', ...rest] = line;
  const to = rest.includes('to') ? node(rest[rest.indexOf('to') + 1] ?? '').index : undefined;
  const fate = verb === 'lose' ? 'lost' : Number.parseFloat(rest[0] ?? '') * 1_000;
  return world.network.tamper((_from, target, message) =>
    message.kind === kind && (to === undefined || to === target) ? fate : undefined,
  );
}

/** What a node knows, a line each: `> look hints at a`, `offers`, `members`. */
export function look(what: string, node: SimNode, nameOf: (id: string) => string): readonly string[] {
  const { core } = node;
  if (core === undefined) return ['is down'];
  if (what === 'hints') {
    return core
      .hints()
      .map(({ region, countLevel, splitLevel }) => `hint ${regionKey(region)} level ${countLevel} in ${2 ** splitLevel} shards`)
      .toSorted();
  }
  if (what === 'offers')
    return [
      `offers of ${core
        .offers()
        .map(({ supplier }) => nameOf(supplier))
        .toSorted()
        .join(' ')}`.trim(),
    ];
  if (what === 'members')
    return core
      .members()
      .map(({ name, state }) => `member ${name} ${state}`)
      .toSorted();
  throw new Error(`one can look at hints, offers and members, not at ${what}`);
}
