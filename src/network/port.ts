import type { ContainerId } from '../core/model/index.ts';

/** A container's place in the network. */
export interface Attachment {
  /** The network namespace the engine joins; undefined: the host's. */
  readonly netnsPath: string | undefined;
}

/** Gives containers their network. What it makes in the kernel carries this node's short id. */
export interface Network {
  /** Idempotent. `mode` as in engine/port's NetworkMode. */
  attach(id: ContainerId, mode: 'none' | 'host'): Promise<Attachment>;
  /** Takes away all of it. Idempotent; resolves before the kernel's own teardown has ended. */
  detach(id: ContainerId): Promise<void>;
  /** Removes what no known container owns. */
  recover(known: (id: ContainerId) => boolean): Promise<void>;
}
