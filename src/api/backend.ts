import type {
  Command,
  Container,
  ContainerId,
  Event,
  Hint,
  Member,
  MemberRecord,
  NodeId,
  Offer,
  Resources,
  Result,
} from '../core/model/index.ts';
import type {
  AttachedStreams,
  AttachOptions,
  ContainerDetails,
  FileAccess,
  HealthChange,
  ImageStore,
  LogEntry,
  LogOptions,
  ProcessAccess,
  TerminalSize,
} from '../engine/port.ts';
import type { PeerRequest, PeerResponse } from '../transport/port.ts';
import type { AgreementService } from './agreement-service.ts';
import type { ImageExchange } from './image-exchange.ts';
import type { NetworkService } from './network-service.ts';
import type { VolumeService } from './volume-service.ts';

export interface InstanceFacts {
  readonly instanceId: string;
  /** Who made the instance: it was its first node, and is nothing else. */
  readonly creator: NodeId;
  readonly insecureRegistries: readonly string[];
  readonly open: boolean;
}

export interface HostFacts {
  readonly kernelVersion: string;
  readonly operatingSystem: string;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly dataDir: string;
  readonly runDir: string;
  readonly startedAtMs: number;
  readonly engineName: string;
  readonly engineVersion: string;
  readonly cgroupVersion: 1 | 2;
  readonly seccomp: boolean;
}

export interface TokenRecord {
  /** First 12 hex digits of SHA-256 over the secret: what `token ls` shows and `token rm` takes. */
  readonly id: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly singleUse: boolean;
  /** A single-use token that let its node in. */
  readonly used: boolean;
}

/** Why a leave is refused, with nothing changed: with force it is done all the same. */
export class LeaveRefused extends Error {
  override name = 'LeaveRefused';
}

/** Tokens are agreed. @throws AgreementUnavailable's words as an Error */
export interface Tokens {
  /** The whole token is shown once, here. */
  create(options: { readonly ttlMs: number; readonly singleUse: boolean }): Promise<TokenRecord & { readonly token: string }>;
  list(): Promise<readonly TokenRecord[]>;
  remove(id: string): Promise<boolean>;
}

/**
 * What the API server asks of the daemon: this node's own facts, its core, its images, and a way to
 * ask other nodes. Spreading a question over the instance is the API's work (api/instance/).
 */
export interface Backend {
  readonly version: string;
  instance(): InstanceFacts;
  host(): HostFacts;
  self(): Member;
  members(): readonly Member[];
  resources(): { readonly capacity: Resources; readonly held: Resources; readonly free: Resources; readonly holds: number };
  containers(): readonly Container[];
  container(id: ContainerId): Container | undefined;
  details(id: ContainerId): Promise<ContainerDetails>;
  logs(id: ContainerId, options: LogOptions): AsyncIterable<LogEntry>;
  /** @throws EngineError */
  attach(id: ContainerId, options: AttachOptions): Promise<AttachedStreams>;
  /** @throws EngineError */
  resize(id: ContainerId, size: TerminalSize): Promise<void>;
  /** Processes and files of containers here. */
  readonly access: ProcessAccess & FileAccess;
  readonly volumes: VolumeService;
  /** A command to this node's core. A `run` may place anywhere; the rest concern containers here. */
  command(command: Command): Promise<Result>;
  /** Past facts of this node's core, as they happen. Returns the way to stop listening. */
  subscribe(listener: (event: Event) => void): () => void;
  /** Of containers here, as it changes. */
  onHealth(listener: (change: HealthChange) => void): void;
  readonly images: ImageStore;
  readonly exchange: ImageExchange;
  /** @throws PeerUnreachable */
  request(peer: NodeId, request: PeerRequest): Promise<PeerResponse>;
  readonly tokens: Tokens;
  readonly networks: NetworkService;
  readonly agreement: AgreementService;
  offers(): readonly Offer[];
  hints(): readonly Hint[];
  /** Removes this node's containers (with force), says goodbye, cleans the host up, then stops the daemon. @throws LeaveRefused */
  leave(options: { readonly force: boolean }): Promise<void>;
  describe(change: Partial<Pick<MemberRecord, 'draining' | 'labels'>>): Promise<void>;
  randomHex(bytes: number): string;
  wallMs(): number;
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, facts: Readonly<Record<string, unknown>>): void;
}
