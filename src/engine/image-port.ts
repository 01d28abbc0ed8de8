import type { Readable } from 'node:stream';

export interface ImageRef {
  /** As the user wrote it, normalised: `docker.io/library/busybox:latest`, `10.0.0.1:5000/x:1`. */
  readonly reference: string;
  /** Digest of the index or manifest it was resolved to: sha256:… */
  readonly digest: string;
}

export interface ImageSummary {
  /** Docker's image id: config digest of this node's platform, `sha256:…`. */
  readonly id: string;
  /** Index or manifest digest: the image's identity between nodes. */
  readonly digest: string;
  /** Normalised references that point to it. */
  readonly references: readonly string[];
  /** Repositories, normalised, that have it by its digest, as far as it was pulled from there or pushed there by this node; absent: none. */
  readonly published?: readonly string[];
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
  /** Bytes of each layer, unpacked, from the lowest. */
  readonly layerBytes?: readonly number[];
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
  /** A refresh token of the registry's token service, instead of the two (`identitytoken`); absent or '': none. */
  readonly identityToken?: string;
}

/** `linux/arm64/v8`, taken apart. */
export interface ImagePlatform {
  readonly os: string;
  readonly architecture: string;
  /** '' where none was named. */
  readonly variant: string;
}

export interface PushOptions {
  readonly credentials: RegistryCredentials | undefined;
  readonly onProgress: (progress: PullProgress) => void;
  readonly signal: AbortSignal;
}

/** What pruning removes: images without a reference, or (`all`) all that no container uses. */
export interface PruneOptions {
  readonly all: boolean;
  /** Made before; wall-clock ms. */
  readonly untilMs: number | undefined;
  readonly isMeant: (labels: Readonly<Record<string, string>>) => boolean;
}

export interface ImageRemoval {
  readonly untagged?: string;
  readonly deleted?: string;
}

/** Bytes on this node. */
export interface ImageUsage {
  /** All unpacked layers, each counted once. */
  readonly layersBytes: number;
  /** By image digest: what it has together with other images, and how many containers use it. */
  readonly images: Readonly<Record<string, { readonly sharedBytes: number; readonly containers: number }>>;
}

/** What a change of an image's configuration may be (`commit --change`, `import --change`), and who made it. */
export interface NewImage {
  /** Normalised; '' for none. */
  readonly reference: string;
  readonly author: string;
  readonly comment: string;
  /** The image config's `config` member, whole. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What the history says that it was made by; absent: the `Cmd` of the configuration. */
  readonly createdBy?: string;
}

export interface PullOptions {
  /** Of the node where it is absent. What a node can't run it may still have, to look at, save and push. */
  readonly platform?: ImagePlatform;
  /** Tried for each blob before the registry, which says only what the reference names; absent: none. */
  readonly sources?: readonly BlobSource[];
  readonly credentials: RegistryCredentials | undefined;
  readonly onProgress: (progress: PullProgress) => void;
  readonly signal: AbortSignal;
}

/** Somewhere blobs (manifests among them) can be had by digest: a peer, a registry. */
export interface BlobSource {
  /** For messages: `node-2`, `registry 10.0.0.1:5000`. */
  readonly name: string;
  /**
   * undefined: has it not. The reader verifies size and digest. `fromByte`: what the reader lacks begins there; a source
   * that can resume says `startsAt` that byte, one that can't begins anew and says 0 or nothing. `sizeBytes`: of all of it.
   */
  open(
    digest: string,
    signal: AbortSignal,
    fromByte?: number,
  ): Promise<{ readonly sizeBytes: number | undefined; readonly stream: Readable; readonly startsAt?: number } | undefined>;
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
  remove(nameOrId: string, force: boolean): Promise<readonly ImageRemoval[]>;
  /** A blob to serve to a peer, from a byte within it on; undefined where it isn't here. `sizeBytes`: of all of it. */
  openBlob(digest: string, fromByte?: number): Promise<{ readonly sizeBytes: number; readonly stream: Readable } | undefined>;
  /** The registry as a source for an image's blobs, by its reference. */
  registrySource(reference: string, credentials: RegistryCredentials | undefined): BlobSource;
  /** Points one more reference at an image. @throws ImageError not-found, bad-reference */
  tag(nameOrId: string, reference: string): Promise<void>;
  /** Whatever has this reference has it no more; the image stays, even without a name. */
  untag(reference: string): Promise<void>;
  /** Every reference given by `name:tag`; blobs the registry has already are not sent. @throws ImageError */
  push(reference: string, options: PushOptions): Promise<{ readonly digest: string; readonly sizeBytes: number }>;
  /** One archive that both `docker load` (repositories, manifest.json) and OCI tools (index.json) read. @throws ImageError before the stream */
  save(namesOrIds: readonly string[], signal: AbortSignal): Promise<Readable>;
  prune(options: PruneOptions): Promise<{ readonly removed: readonly ImageRemoval[]; readonly reclaimedBytes: number }>;
  usage(): Promise<ImageUsage>;
  /** An image of one layer: a root file system as a tar (plain, gzip, zstd). @throws ImageError */
  importRoot(root: Readable, image: NewImage, platform: ImagePlatform | undefined, signal: AbortSignal): Promise<ImageDetails>;
  /** An image of a base's layers and one more: a layer tar with whiteouts. @throws ImageError */
  commit(baseDigest: string, layer: Readable, image: NewImage, signal: AbortSignal): Promise<ImageDetails>;
  /** What a registry has under a reference, with nothing fetched. @throws ImageError */
  distribution(
    reference: string,
    credentials: RegistryCredentials | undefined,
    signal: AbortSignal,
  ): Promise<{
    readonly digest: string;
    readonly mediaType: string;
    readonly sizeBytes: number;
    readonly platforms: readonly ImagePlatform[];
  }>;
  /** Whether a registry takes these credentials. @throws ImageError denied, unreachable */
  login(domain: string, credentials: RegistryCredentials, signal: AbortSignal): Promise<void>;
}
