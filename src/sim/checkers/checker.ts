import type { Command, Event, Result } from '../../core/model/index.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { Traffic } from '../network/packet-network.ts';

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

/** What a checker sees of the world, and the one thing it may do to it. */
export interface Watched {
  readonly nowMs: number;
  /** Things done so far. */
  readonly steps: number;
  readonly nodes: readonly SimNode[];
  readonly traffic: Traffic;
  /** No fault is active, nor was since the instance last settled. */
  readonly calm: boolean;
  /** Commands that a daemon still owes an answer to. */
  unanswered(): readonly Issued[];
  violate(checker: string, property: Property, what: string): void;
}

/** An oracle: sees everything, touches nothing. Says what is wrong by `world.violate`. */
export interface Checker {
  readonly name: string;
  onStep?(world: Watched, node: SimNode): void;
  onEvent?(world: Watched, node: SimNode, event: Event): void;
  onCommand?(world: Watched, issued: Issued): void;
  onReply?(world: Watched, issued: Issued, result: Result): void;
  /** Faults have ended and the instance had its time to settle. */
  atRest?(world: Watched): void;
}
