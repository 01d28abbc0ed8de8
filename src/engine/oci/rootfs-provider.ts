import type { ContainerId } from '../../core/model/index.ts';
import type { ImageRef, ImageStore } from '../port.ts';

/** What an image says about the container made of it: the OCI image config's `config` member, as far as we read it. */
export interface OciImageConfig {
  readonly Env?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly StopSignal?: string;
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  readonly Volumes?: Readonly<Record<string, unknown>> | null;
  /** As somebody wrote it: health-check makes something of it. */
  readonly Healthcheck?: unknown;
  readonly Shell?: unknown;
}

/** An image as an overlay's lower part. */
export interface Rootfs {
  /** Config digest of the platform's image: Docker's image id. */
  readonly imageId: string;
  /** Unpacked layers, absolute paths, the topmost first: the order of overlay's lowerdir. */
  readonly layerDirs: readonly string[];
  readonly config: OciImageConfig;
  /** Ends this use. Between `rootfsOf` and `release` nothing of the image is removed. Idempotent. */
  release(): void;
}

/** Images as the oci engine needs them: the store, and layers to mount. images/ has the implementation. */
export interface RootfsProvider extends ImageStore {
  /** @throws ImageError not-found where the image or one of its layers isn't here */
  rootfsOf(image: ImageRef): Promise<Rootfs>;
  /** Resolves when a power cut could not take the image any more, which a pull does not wait for. @throws ImageError */
  settled(image: ImageRef): Promise<void>;
  /**
   * The container uses the image of this index or manifest digest (ImageRef.digest): removing it is
   * refused as in-use. Idempotent; kept in memory only, the engine's recover says it again.
   */
  retain(digest: string, containerId: ContainerId): void;
  /** Idempotent. */
  releaseContainer(containerId: ContainerId): void;
}
