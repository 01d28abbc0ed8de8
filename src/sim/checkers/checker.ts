import type { Command, Event, Result } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { World } from '../world.ts';

/** `correctness`: never, at any moment. `liveness`: not once faults have ended and things had time to settle. */
export type Property = 'correctness' | 'liveness';

export interface Violation {
  readonly checker: string;
  readonly property: Property;
  readonly atMs: number;
  readonly what: string;
}

/** A command the workload gave to a node, as checkers follow it. */
export interface Issued {
  readonly number: number;
  readonly node: SimNode;
  /** The node's start that took it: a daemon that died owes no reply. */
  readonly generation: number;
  readonly command: Command;
  readonly atMs: number;
  replies: number;
}

/** An oracle: sees everything, touches nothing. Says what is wrong by `world.violate`. */
export interface Checker {
  readonly name: string;
  onStep?(world: World, node: SimNode): void;
  onEvent?(world: World, node: SimNode, event: Event): void;
  onCommand?(world: World, issued: Issued): void;
  onReply?(world: World, issued: Issued, result: Result): void;
  /** Faults have ended and the instance had its time to settle. */
  atRest?(world: World): void;
}
