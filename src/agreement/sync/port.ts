import type { NodeId } from '../../core/model/index.ts';
import type { Copy } from '../state/copy.ts';

/** What nodes ask of each other to follow what is agreed: POST under SYNC_PATH and STORE_PATH, gzipped JSON both ways. */
export const SYNC_PATH = '/agreement/sync/';
/** An update is offered; the answer is the version of who took it. */
export const PUSH_PATH = `${SYNC_PATH}push`;
/** The difference to a version is asked for; 204: there is nothing newer. */
export const FETCH_PATH = `${SYNC_PATH}fetch`;
/** A read or a transaction, of a node that is no agreement member, by way of one. */
export const STORE_PATH = '/agreement/store';

export const SYNC_LIMITS = {
  /** Of a request and of an answer, as they travel, and unpacked. */
  packedBytes: 32 * 1024 * 1024,
  bytes: 256 * 1024 * 1024,
  /** Nodes alive up to which each member pushes to all, and not to its share. */
  pushToAll: 64,
  /** Pushes under way. */
  pushes: 64,
  /** Nodes whose newer version is remembered until it was fetched. */
  sources: 64,
} as const;

export interface Asked {
  readonly status: number;
  readonly body: Buffer;
}

/** What following asks of its node. */
export interface SyncHost {
  readonly self: NodeId;
  readonly copy: Copy;
  /** All others that are alive. */
  peers(): readonly NodeId[];
  /** Who takes part in agreement, as far as is known; this node among them if it does. */
  members(): readonly NodeId[];
  /** POST. @throws Error where no answer came: what was asked may have been done all the same, unless the error has `isUnsent` */
  ask(peer: NodeId, path: string, body: Buffer, timeoutMs: number): Promise<Asked>;
  /** Returns the way to call it off. */
  after(ms: number, run: () => void): () => void;
  /** Uniform in [0, 1). */
  random(): number;
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, facts: Readonly<Record<string, unknown>>): void;
}
