/**
 * The images of one node: what references point to, the documents and compressed layers by digest (for
 * peers to fetch), the unpacked layers by diff id (for overlayfs to mount).
 *
 * Order: blobs, then layers, each verified before it gets its name; then the record. What no record
 * names is garbage, collected at start and after each removal or failure, except what a running pull, a
 * mount or a container needs. So a crash at any point leaves either the image or nothing. A pull doesn't
 * wait for the disk: what came is written out right after it, and counts after a reboot only from then on.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ContainerId } from '../../../core/model/index.ts';
import {
  type BlobSource,
  type ImageDetails,
  ImageError,
  type ImagePlatform,
  type ImageRef,
  type ImageRemoval,
  type ImageStore,
  type ImageSummary,
  type ImageUsage,
  type NewImage,
  type PruneOptions,
  type PullOptions,
  type PullProgress,
  type PushOptions,
  type RegistryCredentials,
} from '../../port.ts';
import type { Rootfs, RootfsProvider } from '../rootfs-provider.ts';
import { ArchiveContents } from './archive/archive-contents.ts';
import { storeArchivedImages } from './archive/archive-images.ts';
import { saveArchive } from './archive/save-archive.ts';
import { BlobStore } from './blob-store.ts';
import { isDigest, shortDigest } from './digest.ts';
import { imageFailure } from './failure.ts';
import { ImageFetcher } from './image-fetcher.ts';
import { describeImage } from './image-details.ts';
import { collectGarbage, completeRemoval, type Store } from './garbage.ts';
import { otherPlatforms } from './held-manifests.ts';
import { findImage, pointTag, repositoriesWith, savedAs } from './image-names.ts';
import { pruneImages } from './image-prune.ts';
import { pushImage } from './image-push.ts';
import { digestsOf, type ImageRecord, ImageRecords } from './image-records.ts';
import { removeImage } from './image-removal.ts';
import { readRootfs } from './image-rootfs.ts';
import { usageOf } from './image-usage.ts';
import { LayerStore } from './layer-store.ts';
import { IMAGE_LIMITS, type ImageLimits } from './limits.ts';
import { commitImage, importImage, type Make } from './new-image.ts';
import { Pins, type PinSet } from './pins.ts';
import type { Platform } from './documents.ts';
import { familiarReference, formatReference, parseReference, repositoryOf } from './reference.ts';
import { DOCKER_CERTIFICATES_DIR } from './registry/connections.ts';
import type { HttpPatience } from './registry/http-request.ts';
import { type Distribution, Registries } from './registry/registries.ts';
import { currentBootId, Settler } from './settler.ts';
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
  /** Default: Docker's, /etc/docker/certs.d. */
  readonly certificatesDir?: string;
  /** Of the running kernel; tests name another to play a reboot. */
  readonly bootId?: string;
}

export class OciImages implements RootfsProvider {
  readonly #options: OciImagesOptions;
  readonly #limits: ImageLimits;
  readonly #blobs: BlobStore;
  readonly #layers: LayerStore;
  readonly #records: ImageRecords;
  readonly #fetcher: ImageFetcher;
  readonly #registries: Registries;
  readonly #pins = new Pins();
  /** Which image each container uses. */
  readonly #containers = new Map<ContainerId, string>();
  readonly #closing = new AbortController();
  readonly #settler: Settler;

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
    this.#records = new ImageRecords(dataDir, options.bootId ?? currentBootId(), (record) => this.#isComplete(record));
    this.#fetcher = new ImageFetcher({ blobs: this.#blobs, layers: this.#layers, platform, limits: this.#limits });
    this.#registries = new Registries({
      insecureRegistries: options.insecureRegistries,
      certificatesDir: options.certificatesDir ?? DOCKER_CERTIFICATES_DIR,
      limits: this.#limits,
      patience: options.patience,
    });
    this.#settler = new Settler(dataDir, (sync) => this.#records.settle(sync), options.log);
    this.#collectGarbage();
    this.#settler.request();
  }

  /** Aborts what is running. */
  close(): void {
    this.#closing.abort(new ImageError('failed', 'this node is shutting down'));
    this.#settler.close();
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
    const { onProgress, platform } = options;
    return this.#undertake(`pulling ${familiar}`, options.signal, async (pins, signal) => {
      const registry = this.#registries.client(reference, options.credentials);
      const resolved = await registry.resolve(signal);
      // Until now a failure is an answer of its own to Docker's clients; from the first progress on it is a part of that.
      onProgress({ status: `Pulling from ${reference.path}`, id: reference.tag ?? reference.digest ?? '' });
      pins.add(resolved.digest);
      await this.#blobs.put(resolved.content);
      const sources = [...(options.sources ?? []), registry];
      const record = await this.#fetcher.fetch(resolved.digest, familiar, { platform, sources, pins, signal, onProgress });
      const isNew = this.#records.get(record.digest) === undefined;
      await this.#keep(record, [formatReference(reference)], repositoryOf(reference));
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
          const record = await this.#fetcher.fetch(digest, references[0] ?? digest, {
            platform: 'any',
            sources: [],
            pins,
            signal,
            onProgress,
          });
          await this.#keep({ ...record, others: await otherPlatforms(record, this.#blobs, pins) }, references);
          // By the names that it came with: the image may have others here.
          loaded.push({ ...(await this.#details(record)), references });
        }
        return loaded;
      } finally {
        await contents.discard();
      }
    });
  }

  async fetch(image: ImageRef, sources: readonly BlobSource[], signal: AbortSignal): Promise<void> {
    // Who runs an image that has no name knows it by its digest, which is none either.
    const reference = isDigest(image.reference) ? undefined : formatReference(parseReference(image.reference));
    await this.#undertake(`fetching ${image.reference}`, signal, async (pins, signal) => {
      const record =
        this.#records.get(image.digest) ??
        (await this.#fetcher.fetch(image.digest, image.reference, { sources, pins, signal, onProgress: () => undefined }));
      const before = reference === undefined ? undefined : this.#records.resolve(reference);
      await this.#keep(record, reference === undefined ? [] : [reference]);
      // Nobody on this node asked for the old version: it came with a container, and goes with the last of them.
      if (before !== undefined && before.digest !== record.digest) await this.#forgetUnused(before);
    });
  }

  async remove(nameOrId: string, force: boolean): Promise<readonly ImageRemoval[]> {
    const removals = removeImage(this.#records, nameOrId, force, (digest) => this.#usersOf(digest));
    await completeRemoval(this.#store);
    return removals;
  }

  async openBlob(digest: string, fromByte?: number): ReturnType<ImageStore['openBlob']> {
    return this.#blobs.open(digest, fromByte);
  }

  registrySource(reference: string, credentials: RegistryCredentials | undefined): BlobSource {
    return this.#registries.client(parseReference(reference), credentials);
  }

  async tag(nameOrId: string, reference: string): Promise<void> {
    pointTag(this.#records, nameOrId, reference);
    await this.#records.save();
    this.#settler.request();
  }

  async untag(reference: string): Promise<void> {
    this.#records.unpoint(formatReference(parseReference(reference)));
    await this.#records.save();
    this.#settler.request();
  }

  async push(name: string, options: PushOptions): Promise<{ readonly digest: string; readonly sizeBytes: number }> {
    const reference = parseReference(name);
    const { tag } = reference;
    if (tag === undefined) throw new ImageError('bad-reference', `cannot push a digest reference: ${name}; push it by a tag`);
    const record = this.#records.resolve(formatReference(reference));
    if (record === undefined)
      throw new ImageError('not-found', `An image does not exist locally with the tag: ${familiarReference(reference)}`);
    return this.#undertake(`pushing ${familiarReference(reference)}`, options.signal, async (pins, signal) => {
      for (const digest of digestsOf(record)) pins.add(digest);
      const repository = repositoryOf(reference);
      const pushed = await pushImage({
        record,
        blobs: this.#blobs,
        pins,
        to: this.#registries.writer(reference, options.credentials),
        tag,
        repository,
        mountableFrom: (digest) => repositoriesWith(this.#records, digest, reference),
        onProgress: options.onProgress,
        signal,
      });
      if (pushed.digest === record.digest) await this.#keep(record, [], repository);
      return pushed;
    });
  }

  async save(namesOrIds: readonly string[], signal: AbortSignal): Promise<Readable> {
    const images = savedAs(this.#records, namesOrIds);
    const pins = this.#pins.hold();
    const release = (): void => {
      pins[Symbol.dispose]();
      this.#collectGarbage();
    };
    try {
      // Pinned before the first wait: a removal may come at any time.
      for (const { record } of images) for (const digest of digestsOf(record)) pins.add(digest);
      const archive = await saveArchive(images, this.#blobs, pins, AbortSignal.any([signal, this.#closing.signal]));
      archive.once('close', release);
      return archive;
    } catch (error) {
      release();
      throw imageFailure(error, `saving ${namesOrIds.join(', ')}`);
    }
  }

  async prune(options: PruneOptions): Promise<{ readonly removed: readonly ImageRemoval[]; readonly reclaimedBytes: number }> {
    const before = (await this.usage()).layersBytes;
    const removed = pruneImages(this.#records, await this.list(), options, (digest) => this.#usersOf(digest));
    const reclaimedBytes = Math.max(0, before - (await this.usage()).layersBytes);
    await completeRemoval(this.#store);
    return { removed, reclaimedBytes };
  }

  async usage(): Promise<ImageUsage> {
    return usageOf(this.#records, this.#layers, (digest) => [...this.#containers.values()].filter((used) => used === digest).length);
  }

  async importRoot(root: Readable, image: NewImage, platform: ImagePlatform | undefined, signal: AbortSignal): Promise<ImageDetails> {
    return this.#make('importing the file system', root, image, signal, (making) =>
      importImage(root, image, platform ?? this.#options.platform, making),
    );
  }

  async commit(baseDigest: string, layer: Readable, image: NewImage, signal: AbortSignal): Promise<ImageDetails> {
    return this.#make('committing the container', layer, image, signal, async (making) => {
      const base = this.#records.get(baseDigest);
      if (base !== undefined) return commitImage(base, layer, image, making);
      throw new ImageError('not-found', `No such image: ${baseDigest}, which the container was made of, is not on this node`);
    });
  }

  async distribution(name: string, credentials: RegistryCredentials | undefined, signal: AbortSignal): Promise<Distribution> {
    const reference = parseReference(name);
    return this.#undertake(`looking up ${familiarReference(reference)}`, signal, (_, either) =>
      this.#registries.distribution(reference, credentials, either),
    );
  }

  async login(domain: string, credentials: RegistryCredentials, signal: AbortSignal): Promise<void> {
    return this.#undertake(`logging in at ${domain}`, signal, (_, either) => this.#registries.login(domain, credentials, either));
  }

  async rootfsOf(image: ImageRef): Promise<Rootfs> {
    const record = this.#records.get(image.digest);
    if (record === undefined) throw new ImageError('not-found', `No such image: ${image.reference} (${image.digest}) is not on this node`);
    const pins = this.#pins.hold();
    try {
      // Pinned before the first wait: a removal may come at any time.
      for (const digest of digestsOf(record)) pins.add(digest);
      const rootfs = await readRootfs(record, image.reference, {
        blobs: this.#blobs,
        layers: this.#layers,
        platform: this.#options.platform,
      });
      return { ...rootfs, release: () => pins[Symbol.dispose]() };
    } catch (error) {
      pins[Symbol.dispose]();
      throw error;
    }
  }

  async settled({ digest, reference }: ImageRef): Promise<void> {
    if (!this.#records.isOnDisk(digest)) await this.#settler.settle();
    if (!this.#records.isOnDisk(digest))
      throw new ImageError('failed', `image ${reference} could not be written to the disk: the log says why`);
  }

  retain(digest: string, containerId: ContainerId): void {
    this.#containers.set(containerId, digest);
  }

  releaseContainer(containerId: ContainerId): void {
    this.#containers.delete(containerId);
  }

  /** What nobody could bring again is on the disk before it is told of. @param from is let go, however it ends */
  #make(doing: string, from: Readable, image: NewImage, signal: AbortSignal, make: Make): Promise<ImageDetails> {
    const made = this.#undertake(doing, signal, async (pins, either) => {
      const references = image.reference === '' ? [] : [formatReference(parseReference(image.reference))];
      const record = await make({ blobs: this.#blobs, layers: this.#layers, limits: this.#limits, pins, signal: either });
      await this.#keep(record, references);
      await this.settled({ ...record, reference: image.reference });
      return this.#details(record);
    });
    return made.finally(() => from.destroy());
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

  /** @param published a repository that has it by its digest */
  async #keep(record: ImageRecord, references: readonly string[], published?: string): Promise<void> {
    this.#records.add(record);
    if (published !== undefined) this.#records.publish(record.digest, published);
    for (const reference of references) this.#records.point(reference, record.digest);
    await this.#records.save();
    this.#settler.request();
  }

  async #forgetUnused(record: ImageRecord): Promise<void> {
    if (this.#records.referencesOf(record.digest).length > 0 || this.#usersOf(record.digest).length > 0) return;
    this.#records.remove(record.digest);
    await this.#records.saveRemoval();
  }

  /** In words. */
  #usersOf(digest: string): string[] {
    const containers = [...this.#containers].filter(([, used]) => used === digest).map(([id]) => `container ${id.slice(0, 12)}`);
    return this.#pins.has(digest) ? [...containers, 'a pull, push, save or start under way'] : containers;
  }

  #details(record: ImageRecord): Promise<ImageDetails> {
    return describeImage(record, this.#records, this.#blobs, this.#layers);
  }

  #isComplete(record: ImageRecord): boolean {
    const { digest, manifestDigest, configDigest, layers } = record;
    const blobs = [digest, manifestDigest, configDigest, ...layers.map((layer) => layer.digest)];
    const missing = blobs.find((blob) => !this.#blobs.has(blob)) ?? layers.find(({ diffId }) => !this.#layers.has(diffId))?.diffId;
    if (missing !== undefined)
      this.#options.log(`image ${shortDigest(record.digest)} is dropped: its ${missing} is missing on disk; pull it again`);
    return missing === undefined;
  }

  #collectGarbage(): void {
    collectGarbage(this.#store);
  }

  get #store(): Store {
    return { records: this.#records, blobs: this.#blobs, layers: this.#layers, pins: this.#pins, log: this.#options.log };
  }
}
