import type { SimNode } from '../host/sim-node.ts';
import type { PacketNetwork } from '../network/packet-network.ts';
import type { Schedule } from '../schedule.ts';

/** What faults can get at. */
export interface Reach {
  readonly nodes: readonly SimNode[];
  readonly network: PacketNetwork;
  readonly schedule: Schedule;
  /** Brings a node's daemon up, for the first time or again. */
  readonly start: (node: SimNode) => void;
  /** Nothing new may go wrong from now on. */
  readonly healed: () => boolean;
}

/** Ends what a fault began. */
export type End = () => void;

/** What every fault has, virtual ms. */
export interface When {
  readonly atMs: number;
  readonly forMs: number;
}

/** How often each kind of a family comes, relative to all others. */
export type Weights<F extends { readonly kind: string }> = Readonly<Record<F['kind'], number>>;

/** The node of this index, where its daemon is up and it has not left. */
export function nodeUp(reach: Reach, index: number): SimNode | undefined {
  const node = reach.nodes[index];
  return node?.up === true && !node.gone ? node : undefined;
}

export function nodesUp(reach: Reach, indexes: readonly number[]): readonly SimNode[] {
  return indexes.flatMap((index) => nodeUp(reach, index) ?? []);
}

/** Whatever a fault did to its daemon, it runs again. */
export function bringBack(reach: Reach, node: SimNode): void {
  if (node.gone) return;
  node.resume();
  if (!node.up) reach.start(node);
}
