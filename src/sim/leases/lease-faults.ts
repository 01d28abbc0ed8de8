import type { Prng } from '../../lib/prng.ts';

/** What may befall a message to or from the agreement, as shares; and nodes, as means between two, ms. */
export interface LeaseFaults {
  readonly lostRequest: number;
  readonly lostAnswer: number;
  /** Given up by who sent it, and committed later all the same, if its guard still stands. */
  readonly lateCommit: number;
  readonly lostQuestion: number;
  /** Dies between two effects. */
  readonly deathAmidEffects: number;
  readonly fullDisk: number;
}

export const NO_LEASE_FAULTS: LeaseFaults = {
  lostRequest: 0,
  lostAnswer: 0,
  lateCommit: 0,
  lostQuestion: 0,
  deathAmidEffects: 0,
  fullDisk: 0,
};

export function drawFaults(random: Prng): LeaseFaults {
  const share = (most: number) => (random.chance(0.3) ? 0 : random.float() * most);
  return {
    lostRequest: share(0.05),
    lostAnswer: share(0.1),
    lateCommit: share(0.1),
    lostQuestion: share(0.1),
    deathAmidEffects: share(0.003),
    fullDisk: share(0.05),
  };
}

/** What befalls nodes for a while; counted, so that a run can say what it met. */
export const NODE_FAULTS = ['cut', 'lag', 'crash', 'power-cut', 'revoke', 'remove-network', 'restore'] as const;
export type NodeFault = (typeof NODE_FAULTS)[number];
