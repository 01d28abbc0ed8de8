import type { ContainerId, NodeId, Turn } from '../../model/index.ts';

/** What containers are found by (DESIGN §6, Name directory). Each kind and text is a key on the ring. */
export type NameKey =
  /** A container's whole name. */
  | { readonly kind: 'name'; readonly name: string }
  /** The first three or more hex digits of a container id; the ring's key is the first three. */
  | { readonly kind: 'id'; readonly prefix: string }
  /** All containers that carry this label, whatever its value. */
  | { readonly kind: 'label'; readonly key: string }
  /** All containers of this image reference. */
  | { readonly kind: 'image'; readonly reference: string };

export interface NameEntry {
  readonly containerId: ContainerId;
  readonly name: string;
  /** Which node has it. */
  readonly node: NodeId;
  /** The label's value; '' for the other kinds. */
  readonly value: string;
}

export interface Found {
  readonly entries: readonly NameEntry[];
  /** Whether the key's owner answered and told all it knows: only then does a miss mean anything. */
  readonly complete: boolean;
}

/** Asks the key's owner. `done` is called once, in a later turn or in this one. */
export type LookUp = (turn: Turn, key: NameKey, done: (turn: Turn, found: Found) => void) => void;
