import type { Readable } from 'node:stream';
import type { ContainerId, NetworkId, PortProtocol, TaskId } from '../core/model/index.ts';

export { signalNumber } from './signals.ts';

/** `none`: own network namespace with loopback only. `host`: the host's. `container`: another container's. */
export const NETWORK_MODES = ['none', 'host', 'networks', 'container'] as const;
export type NetworkMode = (typeof NETWORK_MODES)[number];

/** How a container wants to be on one network. */
export interface EndpointWish {
  /** The agreed id. */
  readonly network: NetworkId;
  /** Its name when it was asked for, for messages. */
  readonly networkName: string;
  /** 24 bits: what the scheduler knows networks by. */
  readonly vni: number;
  /** `--ip`, dotted; empty: any. */
  readonly ip: string;
  readonly aliases: readonly string[];
  /** `--mac-address`; empty: from the address. */
  readonly mac: string;
}

/** One published port; a range was taken apart. */
export interface PortWish {
  readonly containerPort: number;
  readonly protocol: PortProtocol;
  /** Dotted; empty: every address of the host. */
  readonly hostIp: string;
  /** 0: any free one, chosen at start. */
  readonly hostPort: number;
}

/** What the engine needs to make a container; travels as JSON in a request's `spec`. */
export interface ContainerSpec {
  readonly name: string;
  readonly image: ImageRef;
  /** Docker's Config: null or absent means "as the image says". */
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[] | null;
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Empty: as the image says, else `/`. */
  readonly workingDir: string;
  /** `user[:group]`, names or numbers; empty: as the image says. */
  readonly user: string;
  /** Empty: first 12 digits of the container id. */
  readonly hostname: string;
  readonly tty: boolean;
  /** Of its terminal, from its first instruction on; absent: none until it is resized. */
  readonly terminalSize?: TerminalSize;
  readonly openStdin: boolean;
  readonly stdinOnce: boolean;
  /** Empty: as the image says, else SIGTERM. */
  readonly stopSignal: string;
  /** 0: Docker's default, 10 s. */
  readonly stopTimeoutSeconds: number;
  /** 0: no limit, as Docker shows it. */
  readonly nanoCpus: number;
  readonly memoryBytes: number;
  /** 0: Docker's default (no limit); the engine sets its own safety bound. */
  readonly pidsLimit: number;
  readonly networkMode: NetworkMode;
  /** With `networks`, in order: eth0, eth1 …; what `connect` and `disconnect` change later is the node's own record. */
  readonly networks: readonly EndpointWish[];
  /** With `container`: whose; else empty. */
  readonly networkOf: string;
  readonly ports: readonly PortWish[];
  /** `--dns`, `--dns-search`, `--dns-option`; empty: the network's. */
  readonly dns: { readonly servers: readonly string[]; readonly search: readonly string[]; readonly options: readonly string[] };
  /** `--add-host`, as `name:ip`. */
  readonly extraHosts: readonly string[];
  /** `80/tcp`: the image's and those of `--expose`; for people to see. Absent: none. */
  readonly exposedPorts?: readonly string[];
  /** `--domainname`: the host name's domain; absent or empty: none. */
  readonly domainname?: string;
  readonly readonlyRootfs: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly init: boolean;
}

export interface ImageRef {
  /** As the user wrote it, normalised: `docker.io/library/busybox:latest`, `10.0.0.1:5000/x:1`. */
  readonly reference: string;
  /** Digest of the index or manifest it was resolved to: sha256:… */
  readonly digest: string;
}

/** Facts about a container that only its engine knows, for inspect. */
export interface ContainerDetails {
  /** Config digest of the platform's image: Docker's image id. */
  readonly imageId: string;
  /** What runs, image defaults merged in. */
  readonly path: string;
  readonly args: readonly string[];
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[] | null;
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly user: string;
  readonly hostname: string;
  readonly stopSignal: string;
  readonly logPath: string;
  /** runc or crun. */
  readonly runtime: string;
}

export type LogStream = 'stdout' | 'stderr';
/** One piece of output as the container wrote it, newline included where it wrote one. */
export interface LogEntry {
  readonly stream: LogStream;
  /** RFC 3339 with nanoseconds. */
  readonly timestamp: string;
  readonly data: Buffer;
}
/** What a container wrote, as it came. With a terminal there is only stdout. */
export type OutputPiece = Pick<LogEntry, 'stream' | 'data'>;

export interface AttachOptions {
  /** Whether this one may write; where the spec has stdinOnce and no terminal, the first such one that goes takes the input's end with it. */
  readonly stdin: boolean;
  /** Leaves. */
  readonly signal: AbortSignal;
}

/** One reader of, and perhaps writer to, what a container's process has for standard streams. */
export interface AttachedStreams {
  /**
   * From now on, or all of the next task where none runs, until that task has ended or this one leaves. A container is
   * held up for a short while by a reader that is slow, and not at all by one that takes nothing: @throws ReaderTooSlow
   */
  readonly output: AsyncIterable<OutputPiece>;
  /**
   * Resolves when it is taken, which is not before the start; at once, for nothing, where the container reads no input
   * (any more). Await each before the next.
   */
  write(data: Uint8Array): Promise<void>;
  /** This one has no more input. */
  endInput(): void;
}

/** A reader was let go: what it reads is not whole. */
export class ReaderTooSlow extends Error {
  override name = 'ReaderTooSlow';
}

/** In characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export interface LogOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Go on until the container has exited and its log is drained, or `signal` aborts. */
  readonly follow: boolean;
  /** Last n lines; undefined: all. */
  readonly tail: number | undefined;
  /** Wall-clock ms; undefined: no bound. */
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
  readonly signal: AbortSignal;
}

/** What a task's network gives it. */
export interface TaskPlace {
  /** The network namespace to join; undefined: the host's. */
  readonly netnsPath: string | undefined;
  /** Contents of /etc/resolv.conf and /etc/hosts; undefined: as on the host, without what only its loopback answers. */
  readonly resolvConf: string | undefined;
  readonly hosts: string | undefined;
}

/** The part of a place that may change while the task runs. */
export type TaskFiles = Pick<TaskPlace, 'resolvConf' | 'hosts'>;

export interface StartedTask {
  readonly pid: number;
  readonly startedAtMs: number;
}

export interface Exit {
  readonly containerId: ContainerId;
  readonly taskId: TaskId;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly finishedAtMs: number;
}

/** What `recover` found of one container after our own crash, or a reboot. */
export type Recovered =
  | { readonly containerId: ContainerId; readonly state: 'created' }
  | {
      readonly containerId: ContainerId;
      readonly state: 'running';
      readonly taskId: TaskId;
      readonly pid: number;
      readonly startedAtMs: number;
    }
  | { readonly containerId: ContainerId; readonly state: 'exited'; readonly exit: Exit };

/** An engine's refusal, in words for the user. `changed`: whether something stays behind (it should not). */
export class EngineError extends Error {
  override name = 'EngineError';
  readonly code: 'image-missing' | 'engine-failed' | 'no-such-container' | 'wrong-state';
  constructor(code: EngineError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Runs containers on this host. Every method is safe to repeat after a crash; whatever fails cleans
 * up after itself. One adapter instance owns its state directory.
 */
export interface Engine {
  readonly images: ImageStore;
  /** Name and version of what runs containers, for `docker version` and `info`. */
  readonly description: { readonly name: string; readonly version: string; readonly cgroupVersion: 1 | 2; readonly seccomp: boolean };
  /**
   * Reads what is there, ends half-made containers, starts watching the running ones. Called once,
   * before anything else. Containers for which `known` is false are removed with all they hold.
   */
  recover(known: (id: ContainerId) => boolean): Promise<readonly Recovered[]>;
  /** Image present (else fetched from `sources`, in order) and directory written. Idempotent. @throws EngineError */
  create(id: ContainerId, spec: ContainerSpec, sources: readonly BlobSource[]): Promise<void>;
  /** @throws EngineError */
  start(id: ContainerId, taskId: TaskId, place: TaskPlace): Promise<StartedTask>;
  /**
   * Gives a running container other contents of /etc/resolv.conf and /etc/hosts, in the files it has (undefined: as it
   * is); nothing where it doesn't run, as its next start brings its own.
   */
  place(id: ContainerId, files: TaskFiles): Promise<void>;
  /** Sends `signal` (a name or number, as Docker takes them) to the container's first process. @throws EngineError */
  kill(id: ContainerId, signal: string): Promise<void>;
  /** `signal`, wait up to `timeoutMs`, SIGKILL. Resolves when the container has exited; at once where it isn't running. */
  stop(id: ContainerId, signal: string, timeoutMs: number): Promise<void>;
  /** Ends it if it runs, then removes directory, mounts, cgroup. Idempotent. */
  remove(id: ContainerId): Promise<void>;
  logs(id: ContainerId, options: LogOptions): AsyncIterable<LogEntry>;
  /** @throws EngineError no-such-container */
  attach(id: ContainerId, options: AttachOptions): Promise<AttachedStreams>;
  /** Of a running container's terminal; nothing where it has none. @throws EngineError wrong-state */
  resize(id: ContainerId, size: TerminalSize): Promise<void>;
  details(id: ContainerId): Promise<ContainerDetails>;
  /** Told once per task, also for those that ended while we were down (through `recover`). */
  onExit(listener: (exit: Exit) => void): void;
  /** Stops watching; containers run on. */
  close(): Promise<void>;
}

// ---- images ----

export interface ImageSummary {
  /** Docker's image id: config digest of this node's platform, `sha256:…`. */
  readonly id: string;
  /** Index or manifest digest: the image's identity between nodes. */
  readonly digest: string;
  /** Normalised references that point to it. */
  readonly references: readonly string[];
  readonly createdAtMs: number;
  /** Sum of unpacked layers, bytes. */
  readonly sizeBytes: number;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ImageDetails extends ImageSummary {
  readonly architecture: string;
  readonly os: string;
  readonly variant: string;
  readonly author: string;
  readonly layers: readonly string[];
  /** The image config's `config` member as it stands (Env, Cmd, Entrypoint, …). */
  readonly config: Readonly<Record<string, unknown>>;
  readonly history: readonly {
    readonly created?: string;
    readonly created_by?: string;
    readonly comment?: string;
    readonly empty_layer?: boolean;
  }[];
  /** Architectures that the index names (one, for a plain manifest). */
  readonly arches: readonly string[];
}

export interface PullProgress {
  /** Docker's words: `Pulling fs layer`, `Downloading`, `Extracting`, `Pull complete`, `Already exists`, `Digest: …`, `Status: …`. */
  readonly status: string;
  /** Short layer digest, or ''. */
  readonly id: string;
  readonly currentBytes?: number;
  readonly totalBytes?: number;
}

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

export interface PullOptions {
  readonly credentials: RegistryCredentials | undefined;
  readonly onProgress: (progress: PullProgress) => void;
  readonly signal: AbortSignal;
}

/** Somewhere blobs (manifests among them) can be had by digest: a peer, a registry. */
export interface BlobSource {
  /** For messages: `node-2`, `registry 10.0.0.1:5000`. */
  readonly name: string;
  /** undefined: has it not. The reader verifies size and digest. */
  open(digest: string, signal: AbortSignal): Promise<{ readonly sizeBytes: number | undefined; readonly stream: Readable } | undefined>;
}

/** Why an image can't be had. `not-found` maps to 404, `denied` to 403, `bad-reference` to 400, the rest to 500. */
export class ImageError extends Error {
  override name = 'ImageError';
  readonly code: 'not-found' | 'denied' | 'bad-reference' | 'unreachable' | 'corrupt' | 'in-use' | 'no-platform' | 'no-space' | 'failed';
  constructor(code: ImageError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export interface ImageStore {
  list(): Promise<readonly ImageSummary[]>;
  /** By reference, digest, image id or a unique prefix of one. */
  inspect(nameOrId: string): Promise<ImageDetails | undefined>;
  /** Resolves at the registry, fetches and unpacks this platform's layers, points the reference at it. @throws ImageError */
  pull(reference: string, options: PullOptions): Promise<ImageDetails>;
  /** Reads a `docker save` or OCI layout archive (tar, plain or gzip). @throws ImageError */
  load(archive: Readable, onProgress: (progress: PullProgress) => void): Promise<readonly ImageDetails[]>;
  /** Makes the image with this digest usable here from `sources`, tried in order per blob. @throws ImageError */
  fetch(image: ImageRef, sources: readonly BlobSource[], signal: AbortSignal): Promise<void>;
  /** Untags or deletes, as Docker's rmi. @throws ImageError in-use, not-found */
  remove(nameOrId: string, force: boolean): Promise<readonly { readonly untagged?: string; readonly deleted?: string }[]>;
  /** A blob to serve to a peer; undefined where it isn't here. */
  openBlob(digest: string): Promise<{ readonly sizeBytes: number; readonly stream: Readable } | undefined>;
  /** The registry as a source for an image's blobs, by its reference. */
  registrySource(reference: string, credentials: RegistryCredentials | undefined): BlobSource;
}
