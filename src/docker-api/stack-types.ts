import type { PlacementRow } from './caravela-types.ts';
import type { ContainerCreateBody } from './types.ts';

/** The JSON of `/caravela/v1/stacks` and `/caravela/v1/plan`: several containers, placed together or not at all. */

export interface StackPart {
  /** Of the container; drawn where it is missing. */
  name?: string;
  /** One of the stack's groups; placed by itself where it is missing. */
  group?: string;
  /** Docker's own, as for POST /containers/create. */
  body: ContainerCreateBody;
}

export interface StackGroup {
  name: string;
  /** All of it on one node, or each on another. */
  policy: 'spread' | 'co-location';
}

/** Body of POST /caravela/v1/stacks and /caravela/v1/plan. */
export interface StackBody {
  parts: StackPart[];
  groups: StackGroup[];
}

/** Answer of POST /caravela/v1/stacks: 201, in the order of the body. Nothing is started yet. */
export interface StackCreated {
  parts: { Id: string; Name: string; Node: string; Warnings: string[] }[];
}

export interface PlannedPart {
  Name: string;
  /** '' where it has none. */
  Group: string;
  /** Name of the node it would go to. */
  Node: string;
  Warnings: string[];
  Placement: PlacementRow;
}

/** Answer of POST /caravela/v1/plan: 200; nothing is held. */
export interface StackPlan {
  parts: PlannedPart[];
}
