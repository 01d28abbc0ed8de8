import type { AgreedNode, AgreedVersion, NodeId } from '../core/model/index.ts';

export interface AgreementMember {
  readonly node: NodeId;
  readonly name: string;
  readonly role: 'leader' | 'follower' | 'learner' | 'unknown';
  readonly isReachable: boolean;
  readonly term: number;
  readonly index: number;
  /** Of its database, on disk. */
  readonly bytes: number;
}

/** It takes part; is about to; does not; or can't, for want of etcd. */
export type AgreementRole = 'agreement' | 'learner' | 'none' | 'no etcd';

export interface AgreementStatus {
  /** Whether a majority answers now. */
  readonly hasQuorum: boolean;
  /** What of it this node has. */
  readonly version: AgreedVersion;
  readonly members: readonly AgreementMember[];
  /** How many there should be at this size of the instance. */
  readonly wanted: number;
  /** Whether this node could become one: etcd is installed. */
  readonly isCandidate: boolean;
  /** What stands in the way, in sentences. */
  readonly troubles: readonly string[];
}

/** Why it is not done; the message is for people, and nothing was changed. */
export class AgreementRefused extends Error {
  override name = 'AgreementRefused';
  readonly code: 'invalid' | 'conflict' | 'not-found' | 'failed';
  constructor(code: AgreementRefused['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws AgreementRefused; AgreementUnavailable where it needs a majority */
export interface AgreementService {
  status(): Promise<AgreementStatus>;
  /** The agreed state as one JSON document. */
  snapshot(): Promise<Buffer>;
  /** Puts a snapshot in place of what is agreed; the epoch rises. */
  restore(snapshot: Buffer): Promise<AgreedVersion>;
  /** Rebuilds agreement on this node from the newest copy that any reachable node has; refused while a majority lives. */
  recover(): Promise<AgreedVersion>;
  /** Another key for datagrams is due: agreed when this resolves; the nodes come to it within seconds, or a minute or two where some don't answer. */
  rotateKey(): Promise<void>;
  /** This node's own part in it. */
  role(): AgreementRole;
  /** Who takes part in agreement, as this node knows it. */
  members(): readonly NodeId[];
  nodes(): readonly AgreedNode[];
  /** By name or id; ends its membership, its leases and its certificate. */
  removeNode(nameOrId: string, force: boolean): Promise<AgreedNode>;
}
