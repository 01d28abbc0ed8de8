import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Address, Message, NodeId } from '../core/model/index.ts';

/** A request to another node over mutual TLS (HTTP/2). */
export interface PeerRequest {
  readonly method: string;
  /** Path and query: `/api/containers/json?all=1`, `/blobs/sha256:…`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readable | Buffer | undefined;
  /** Time to the response's headers, ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface PeerResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Must be consumed or destroyed. */
  readonly body: Readable;
}

/** A peer could not be asked: it is gone, refused us, or was too slow. */
export class PeerUnreachable extends Error {
  override name = 'PeerUnreachable';
  readonly peer: NodeId;
  /** It answered that it takes nothing from us, and why; undefined: it did not answer. */
  readonly refused: string | undefined;
  /** It never heard of what was asked: there was no connection to send it on. */
  readonly isUnsent: boolean;
  constructor(peer: NodeId, message: string, facts: { readonly refused?: string; readonly isUnsent?: boolean } = {}) {
    super(message);
    this.peer = peer;
    this.refused = facts.refused;
    this.isUnsent = facts.isUnsent ?? false;
  }
}

/** Bytes between nodes that know each other. Delivery of messages is best effort, unordered, perhaps twice. */
export interface Transport {
  /** Datagram or stream by kind and size (STREAM_KINDS, LIMITS.datagramBytes). Never throws for a peer's sake. */
  send(to: NodeId, message: Message): void;
  /** @throws PeerUnreachable */
  request(to: NodeId, request: PeerRequest): Promise<PeerResponse>;
  /** UDP payload bytes and datagrams sent since start: for metrics and the idle-cost bench. */
  counters(): {
    readonly datagramsSent: number;
    readonly datagramBytesSent: number;
    readonly datagramsReceived: number;
    readonly datagramsRejected: number;
  };
  close(): Promise<void>;
}

/** What a transport asks of the daemon. */
export interface TransportHost {
  /** Where a node is now; undefined: not known. */
  addressOf(id: NodeId): Address | undefined;
  /** An authenticated message. */
  onMessage(from: NodeId, message: Message): void;
  /** A peer takes nothing from this node, and says why: it was removed from the instance, say. */
  onRefused?(peer: NodeId, why: string): void;
  /** A datagram of this instance came that no key here opens: one of the two nodes has missed a rotation, or somebody forges. */
  onUnopened?(claimed: NodeId): void;
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, facts: Readonly<Record<string, unknown>>): void;
}
