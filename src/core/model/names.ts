import type { ContainerId, NodeId } from './ids.ts';
import type { NetworkId } from './network.ts';

export const NAME_KEY_KINDS = ['name', 'id', 'label', 'image', 'endpoint'] as const;
/** What containers are found by (DESIGN §6, Name directory). Each kind and text is a key on the ring. */
export type NameKey =
  /** A container's whole name. */
  | { readonly kind: 'name'; readonly name: string }
  /** The first three or more hex digits of a container id; the ring's key is the first three. */
  | { readonly kind: 'id'; readonly prefix: string }
  /** All containers that carry this label, whatever its value. */
  | { readonly kind: 'label'; readonly key: string }
  /** All containers of this image, whatever its tag. */
  | { readonly kind: 'image'; readonly reference: string }
  /** A container's name, alias or short id on a network, or its address there in dotted decimal. Lower case. */
  | { readonly kind: 'endpoint'; readonly network: NetworkId; readonly name: string };

export interface NameEntry {
  readonly containerId: ContainerId;
  readonly name: string;
  /** Which node has it. */
  readonly node: NodeId;
  /** The label's value; the image's whole reference; the endpoint's address, dotted; '' for the other kinds. */
  readonly value: string;
}

export interface Found {
  readonly entries: readonly NameEntry[];
  /** Whether the key's owner answered and told all it knows: only then does a miss mean anything. */
  readonly complete: boolean;
}

/** What the node that runs a container registers under one key of it. */
export interface NameRow {
  readonly key: NameKey;
  readonly containerId: ContainerId;
  readonly name: string;
  readonly value: string;
  /** Wall clock of its node: of two containers of one name the older keeps it. */
  readonly createdAtMs: number;
}

/** What stands under a key and no longer should. */
export type NameGone = Pick<NameRow, 'key' | 'containerId'>;

/** Who has a name, or is about to. */
export interface NameHolder {
  readonly containerId: ContainerId;
  /** The node that has the container; the buyer's while it is being placed. */
  readonly node: NodeId;
}

/** Of two containers of one name: whether `a` keeps it. */
export function keepsName(a: Pick<NameRow, 'createdAtMs' | 'containerId'>, b: Pick<NameRow, 'createdAtMs' | 'containerId'>): boolean {
  return a.createdAtMs < b.createdAtMs || (a.createdAtMs === b.createdAtMs && a.containerId < b.containerId);
}
