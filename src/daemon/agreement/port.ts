import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { AgreementHost, AgreementHostOptions } from '../../agreement/members/port.ts';
import type { AgreedState, NodeChanges } from '../../agreement/state/port.ts';
import type { AgreementService } from '../../api/agreement-service.ts';
import type { Tokens } from '../../api/backend.ts';
import type { AgreedVersion, Event, Member, NodeId } from '../../core/model/index.ts';
import type { Store } from '../../store/port.ts';
import type { JoinHost } from '../../transport/join/desk.ts';
import type { PeerRequest, PeerResponse } from '../../transport/port.ts';
import type { GossipKeys } from '../../transport/trust/gossip-keys.ts';
import type { Signer } from '../../transport/trust/signer.ts';
import type { Log } from '../log.ts';
import type { Credentials, NodePaths } from '../node-files.ts';
import type { InstanceSettings, NodeSettings } from '../settings.ts';

/** What agreement asks of the rest of the daemon. */
export interface AgreementOptions {
  readonly paths: NodePaths;
  readonly store: Store;
  readonly settings: NodeSettings;
  readonly instance: InstanceSettings;
  readonly credentials: Credentials;
  /** As this node kept them. */
  readonly gossipKeys: GossipKeys;
  readonly signer: Signer;
  readonly log: Log;
  /** All that this node's core knows, itself among them. */
  members(): readonly Member[];
  /** @throws PeerUnreachable */
  request(peer: NodeId, request: PeerRequest): Promise<PeerResponse>;
  /** Ends every session with a node: it was revoked. */
  disconnect(id: NodeId): void;
  /** This node's copy is at this version now: for the core, whose gossip carries it. Not before `start`. */
  onVersion(version: AgreedVersion): void;
  /** Datagrams are to be sealed and opened with these from now on. */
  onGossipKeys(keys: GossipKeys): void;
  /** This node learned that it was removed from the instance. Once. */
  onRemoved(): void;
  /** What runs the agreement engine; by default etcd. */
  readonly createHost?: (options: AgreementHostOptions) => AgreementHost;
}

/** Everything in the daemon that needs agreement, or follows what is agreed. */
export interface Agreement {
  readonly state: AgreedState & NodeChanges;
  readonly tokens: Tokens;
  readonly service: AgreementService;
  /** For the transport's join desk. */
  readonly joinHost: JoinHost;
  /** Answers paths under AGREEMENT_PATH. */
  servePeer(peer: NodeId, request: Http2ServerRequest, response: Http2ServerResponse): void;
  /** Whether a node was removed from the instance: nothing is taken from it. Answers from the copy, also before start. */
  isRevoked(id: NodeId): boolean;
  /** For datagrams; answers from the copy, also before start. Each change is told by `onGossipKeys`. */
  gossipKeys(): GossipKeys;
  /** A datagram can't be opened that claims to be this node's: transport's `onUnopened`. */
  unopened(claimed: NodeId): void;
  /** A peer takes nothing from this node: transport's `onRefused`. */
  refused(why: string): void;
  /** The core's events: who is alive, who has a newer copy. */
  see(event: Event): void;
  /**
   * Starts this node's agreement member, if it is one, and following; without waiting for a majority. At the first start
   * after `create` the instance's first facts are agreed on. @throws Error in words where they can't be
   */
  start(): Promise<void>;
  /** Stops; what is agreed stays. */
  close(): Promise<void>;
  /** Before this node leaves: another takes its part in agreement. @throws LeaveRefused unless forced, with nothing changed for the others */
  handOver(options: { readonly force: boolean }): Promise<void>;
  /**
   * This node's containers are gone: it gives back its name and leases, however long members change meanwhile (20 s at
   * most). @throws LeaveRefused unless forced; then what fails is logged, and `nodes rm` does it later
   */
  giveUp(options: { readonly force: boolean }): Promise<void>;
}

export const AGREEMENT_PATH = '/agreement/';
