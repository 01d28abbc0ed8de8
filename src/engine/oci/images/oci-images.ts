/**
 * The images of one node: what references point to, the documents and compressed layers by digest (for
 * peers to fetch), the unpacked layers by diff id (for overlayfs to mount).
 *
 * Order on disk: blobs, then layers, each verified and synced before it gets its name; then the record.
 * What no record names is garbage, collected at start and after each removal or failure, except what
 * a running pull, a mount or a container needs. So a crash at any point leaves either the image or nothing.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ContainerId } from '../../../core/model/index.ts';
import {
  type BlobSource,
  type ImageDetails,
  ImageError,
  type ImageRef,
  type ImageSummary,
  type PullOptions,
  type PullProgress,
  type RegistryCredentials,
} from '../../port.ts';
import type { Rootfs, RootfsProvider } from '../rootfs-provider.ts';
import { ArchiveContents } from './archive/archive-contents.ts';
import { storeArchivedImages } from './archive/archive-images.ts';
import { BlobStore } from './blob-store.ts';
import { shortDigest } from './digest.ts';
import { imageFailure } from './failure.ts';
import { ImageFetcher } from './image-fetcher.ts';
import { describeImage, readImageConfig } from './image-details.ts';
import { findImage } from './image-names.ts';
import { type ImageRecord, ImageRecords } from './image-records.ts';
import { removeImage, type Removal } from './image-removal.ts';
import { LayerStore } from './layer-store.ts';
import { IMAGE_LIMITS, type ImageLimits } from './limits.ts';
import { Pins, type PinSet } from './pins.ts';
import type { Platform } from './documents.ts';
import { familiarReference, formatReference, parseReference, type Reference } from './reference.ts';
import { checkRunConfig } from './run-config.ts';
import { endpointOf } from './registry/endpoint.ts';
import { RegistryClient } from './registry/registry-client.ts';
import type { HttpPatience } from './registry/http-get.ts';
import { defaultUnpackEntry } from './unpack/unpack.ts';

export interface OciImagesOptions {
  /** Holds blobs/, layers/ and images.json; made if missing; one OciImages at a time. */
  readonly dataDir: string;
  /** Hosts spoken to without TLS; asked at each pull. */
  readonly insecureRegistries: () => readonly string[];
  readonly platform: Platform;
  readonly log: (message: string) => void;
  /** The unpacking child's program; default: child.ts here, unpack.mjs beside a bundle. */
  readonly unpackEntry?: string;
  readonly limits?: Partial<ImageLimits>;
  readonly patience?: HttpPatience;
}

export class OciImages implements RootfsProvider {
  readonly #options: OciImagesOptions;
  readonly #limits: ImageLimits;
  readonly #blobs: BlobStore;
  readonly #layers: LayerStore;
  readonly #records: ImageRecords;
  readonly #fetcher: ImageFetcher;
  readonly #pins = new Pins();
  /** Which image each container uses. */
  readonly #containers = new Map<ContainerId, string>();
  readonly #closing = new AbortController();

  /** Opens the store and removes what a crash left. @throws where dataDir can't be used */
  constructor(options: OciImagesOptions) {
    const { dataDir, platform } = options;
    this.#options = options;
    this.#limits = { ...IMAGE_LIMITS, ...options.limits };
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    this.#blobs = new BlobStore(join(dataDir, 'blobs'));
    this.#layers = new LayerStore({
      dir: join(dataDir, 'layers'),
      unpackEntry: options.unpackEntry ?? defaultUnpackEntry(),
      limits: this.#limits,
    });
    this.#records = new ImageRecords(dataDir, (record) => this.#isComplete(record));
    this.#fetcher = new ImageFetcher({ blobs: this.#blobs, layers: this.#layers, platform, limits: this.#limits });
    this.#collectGarbage();
  }

  /** Aborts what is running. */
  close(): void {
    this.#closing.abort(new ImageError('failed', 'this node is shutting down'));
  }

  async list(): Promise<readonly ImageSummary[]> {
    return Promise.all(this.#records.all().map((record) => this.#details(record)));
  }

  async inspect(nameOrId: string): Promise<ImageDetails | undefined> {
    const record = findImage(this.#records, nameOrId);
    return record && this.#details(record);
  }

  async pull(name: string, options: PullOptions): Promise<ImageDetails> {
    const reference = parseReference(name);
    const familiar = familiarReference(reference);
    const { onProgress } = options;
    return this.#undertake(`pulling ${familiar}`, options.signal, async (pins, signal) => {
      onProgress({ status: `Pulling from ${reference.path}`, id: reference.tag ?? reference.digest ?? '' });
      const registry = this.#registry(reference, options.credentials);
      const resolved = await registry.resolve(signal);
      pins.add(resolved.digest);
      await this.#blobs.put(resolved.content);
      const isNew = this.#records.get(resolved.digest) === undefined;
      const record = await this.#fetcher.fetch(resolved.digest, familiar, { sources: [registry], pins, signal, onProgress });
      await this.#keep(record, [formatReference(reference)]);
      onProgress({ status: `Digest: ${resolved.digest}`, id: '' });
      onProgress({ status: `Status: ${isNew ? 'Downloaded newer image' : 'Image is up to date'} for ${familiar}`, id: '' });
      return this.#details(record);
    });
  }

  async load(archive: Readable, onProgress: (progress: PullProgress) => void): Promise<readonly ImageDetails[]> {
    return this.#undertake('loading the archive', this.#closing.signal, async (pins, signal) => {
      const contents = new ArchiveContents(this.#blobs);
      try {
        await contents.receive(archive, this.#limits, signal);
        const loaded: ImageDetails[] = [];
        for (const { digest, references } of await storeArchivedImages(contents, { blobs: this.#blobs, pins, limits: this.#limits })) {
          const record = await this.#fetcher.fetch(digest, references[0] ?? digest, { sources: [], pins, signal, onProgress });
          await this.#keep(record, references);
          loaded.push(await this.#details(record));
        }
        return loaded;
      } finally {
        await contents.discard();
      }
    });
  }

  async fetch(image: ImageRef, sources: readonly BlobSource[], signal: AbortSignal): Promise<void> {
    const reference = formatReference(parseReference(image.reference));
    await this.#undertake(`fetching ${image.reference}`, signal, async (pins, signal) => {
      const record =
        this.#records.get(image.digest) ??
        (await this.#fetcher.fetch(image.digest, image.reference, { sources, pins, signal, onProgress: () => undefined }));
      const before = this.#records.resolve(reference);
      await this.#keep(record, [reference]);
      // Nobody on this node asked for the old version: it came with a container, and goes with the last of them.
      if (before !== undefined && before.digest !== record.digest) await this.#forgetUnused(before);
    });
  }

  async remove(nameOrId: string, force: boolean): Promise<readonly Removal[]> {
    const removals = removeImage(this.#records, nameOrId, force, (digest) => this.#usersOf(digest));
    await this.#records.save();
    this.#collectGarbage();
    return removals;
  }

  async openBlob(digest: string): Promise<{ readonly sizeBytes: number; readonly stream: Readable } | undefined> {
    return this.#blobs.open(digest);
  }

  registrySource(reference: string, credentials: RegistryCredentials | undefined): BlobSource {
    return this.#registry(parseReference(reference), credentials);
  }

  async rootfsOf(image: ImageRef): Promise<Rootfs> {
    const record = this.#records.get(image.digest);
    if (record === undefined) throw new ImageError('not-found', `No such image: ${image.reference} (${image.digest}) is not on this node`);
    const pins = this.#pins.hold();
    try {
      // Pinned before the first wait: a removal may come at any time.
      for (const digest of digestsOf(record)) pins.add(digest);
      const { config } = await readImageConfig(this.#blobs, record);
      // overlayfs refuses a layer that occurs twice. The upper occurrence covers all that the lower one would show.
      const diffIds = new Set(record.layers.map(({ diffId }) => diffId).reverse());
      const layerDirs = [...diffIds].map((diffId) => this.#layers.rootOf(diffId));
      return {
        imageId: record.configDigest,
        layerDirs,
        config: checkRunConfig(config, image.reference),
        release: () => pins[Symbol.dispose](),
      };
    } catch (error) {
      pins[Symbol.dispose]();
      throw error;
    }
  }

  retain(digest: string, containerId: ContainerId): void {
    this.#containers.set(containerId, digest);
  }

  releaseContainer(containerId: ContainerId): void {
    this.#containers.delete(containerId);
  }

  #registry(reference: Reference, credentials: RegistryCredentials | undefined): RegistryClient {
    const { insecureRegistries, patience } = this.#options;
    const endpoint = endpointOf(reference.domain, insecureRegistries());
    return new RegistryClient({
      endpoint,
      reference,
      credentials,
      manifestBytes: this.#limits.manifestBytes,
      ...(patience && { patience }),
    });
  }

  /** Something that brings blobs and layers: they are pinned while it runs, and go if it fails. */
  async #undertake<T>(doing: string, signal: AbortSignal, effort: (pins: PinSet, signal: AbortSignal) => Promise<T>): Promise<T> {
    const pins = this.#pins.hold();
    try {
      return await effort(pins, AbortSignal.any([signal, this.#closing.signal]));
    } catch (error) {
      signal.throwIfAborted();
      throw imageFailure(error, doing);
    } finally {
      pins[Symbol.dispose]();
      this.#collectGarbage();
    }
  }

  async #keep(record: ImageRecord, references: readonly string[]): Promise<void> {
    this.#records.add(record);
    for (const reference of references) this.#records.point(reference, record.digest);
    await this.#records.save();
  }

  async #forgetUnused(record: ImageRecord): Promise<void> {
    if (this.#records.referencesOf(record.digest).length > 0 || this.#usersOf(record.digest).length > 0) return;
    this.#records.remove(record.digest);
    await this.#records.save();
  }

  /** In words. */
  #usersOf(digest: string): string[] {
    const containers = [...this.#containers].filter(([, used]) => used === digest).map(([id]) => `container ${id.slice(0, 12)}`);
    return this.#pins.has(digest) ? [...containers, 'a pull or start under way'] : containers;
  }

  #details(record: ImageRecord): Promise<ImageDetails> {
    return describeImage(record, this.#records.referencesOf(record.digest), this.#blobs, this.#layers);
  }

  #isComplete(record: ImageRecord): boolean {
    const { digest, manifestDigest, configDigest, layers } = record;
    const blobs = [digest, manifestDigest, configDigest, ...layers.map((layer) => layer.digest)];
    const missing = blobs.find((blob) => !this.#blobs.has(blob)) ?? layers.find(({ diffId }) => !this.#layers.has(diffId))?.diffId;
    if (missing !== undefined)
      this.#options.log(`image ${shortDigest(record.digest)} is dropped: its ${missing} is missing on disk; pull it again`);
    return missing === undefined;
  }

  /** Synchronous as far as names go, so nothing can begin to use what is being removed. What fails here is left to the next time. */
  #collectGarbage(): void {
    const left = (error: unknown): void => this.#options.log(`removing what no image uses: ${String(error)}; it is tried again later`);
    const used = new Set(this.#records.all().flatMap(digestsOf));
    const isGarbage = (digest: string): boolean => !used.has(digest) && !this.#pins.has(digest);
    try {
      for (const digest of this.#blobs.digests().filter(isGarbage)) this.#blobs.remove(digest);
      for (const diffId of this.#layers.diffIds().filter(isGarbage)) this.#layers.remove(diffId).catch(left);
    } catch (error) {
      left(error);
    }
  }
}

/** Blobs and layers of an image. A plain layer's blob and tree share one digest; each store knows its own. */
function digestsOf({ digest, manifestDigest, configDigest, layers }: ImageRecord): string[] {
  return [digest, manifestDigest, configDigest, ...layers.flatMap((layer) => [layer.digest, layer.diffId])];
}
