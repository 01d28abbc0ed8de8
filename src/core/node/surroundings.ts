import type { Directory } from '../discovery/directory.ts';
import { Membership } from '../membership/membership.ts';
import { PROFILES } from '../membership/profile.ts';
import type { Turn } from '../model/index.ts';
import { encode } from '../wire/index.ts';
import type { Kept, NodeConfig } from './port.ts';
import { Topology } from './topology.ts';
import type { TopologyOptions } from './topology.ts';

/** Who else there is and how one hears of it. */
export type Peers = Pick<
  Membership,
  'start' | 'receive' | 'timer' | 'self' | 'members' | 'member' | 'alive' | 'leave' | 'learn' | 'describe'
> &
  Partial<Pick<Membership, 'sizes' | 'agreed'>>;

/** What a node goes by: the others, and the ring and the hints that follow from them. */
export interface Surroundings {
  readonly peers: Peers;
  readonly directory: Directory;
}

export interface Listeners extends TopologyOptions {
  readonly incarnation: number;
  /** Hints that were news. */
  readonly onHints: (turn: Turn) => void;
  readonly onIncarnation: (turn: Turn, incarnation: number) => void;
}

/** Trials of placement alone put something cheaper than full membership in its place: N² rows at 10,000 nodes are too many. */
export type SurroundingsFactory = (config: NodeConfig, kept: Kept, listeners: Listeners) => Surroundings;

/** Membership by gossip, hints along with it. */
export const gossiped: SurroundingsFactory = (config, kept, listeners) => {
  const topology = new Topology(listeners);
  const { directory, hints } = topology;
  const peers = new Membership({
    self: { ...config.self, incarnation: listeners.incarnation },
    profile: PROFILES[config.profile],
    lastKnown: kept.members,
    encodedBytes: (message) => encode(message).length,
    takeHints: (n) => hints.take(n),
    onHints: (turn, heard) => {
      if (hints.merge(heard).length > 0) listeners.onHints(turn);
    },
    onChange: (turn, member, previous) => topology.changed(turn, member, previous),
    onIncarnation: (turn, incarnation) => listeners.onIncarnation(turn, incarnation),
  });
  return { peers, directory };
};
