/**
 * Brings an image here: index → this platform's manifest → configuration → layers, each blob from the
 * first source that has it and sends what its digest says, each layer unpacked. Blobs and layers that
 * are here already aren't fetched again; two fetches of one blob at the same time are one.
 */
import { ImageError, type BlobSource, type PullProgress } from '../../port.ts';
import { downloadBlob } from './blob-download.ts';
import { BlobFeed } from './blob-feed.ts';
import type { BlobStore } from './blob-store.ts';
import { shortDigest } from './digest.ts';
import { type Descriptor, parseConfiguration, parseDocument } from './documents.ts';
import type { ImageRecord, LayerRecord } from './image-records.ts';
import type { LayerStore } from './layer-store.ts';
import type { ImageLimits } from './limits.ts';
import type { PinSet } from './pins.ts';
import { choosePlatform, platformName, describePlatforms, runsOn } from './platform.ts';
import type { Platform } from './documents.ts';
import { SingleFlight } from './single-flight.ts';
import { Slots } from './slots.ts';

export interface Fetch {
  /** Another than this node's own; `any`: its own where that is here already, else what is. */
  readonly platform?: Platform | 'any' | undefined;
  /** Tried in order, per blob. */
  readonly sources: readonly BlobSource[];
  readonly pins: PinSet;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: PullProgress) => void;
}

export interface FetcherOptions {
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly platform: Platform;
  readonly limits: ImageLimits;
}

/** Failures that don't depend on who asks, as what is denied to one may be given to another. They take their time, too. */
const OF_SOURCES: readonly ImageError['code'][] = ['unreachable', 'failed', 'no-space'];

export class ImageFetcher {
  readonly #options: FetcherOptions;
  readonly #flights = new SingleFlight();

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  /**
   * An image that the node's own platform would not get from the index is known by its manifest's
   * digest instead: the index' digest means what each node takes for itself.
   * @param digest of an index or a manifest @param what names the image in errors @throws ImageError
   */
  async fetch(digest: string, what: string, fetch: Fetch): Promise<ImageRecord> {
    const { limits } = this.#options;
    const platform = fetch.platform === undefined || fetch.platform === 'any' ? this.#options.platform : fetch.platform;
    const { manifestDigest, isOwn } = await this.#manifestFor(digest, what, platform, fetch);
    const manifest = parseDocument(
      await this.#document(manifestDigest, limits.manifestBytes, fetch),
      `manifest ${manifestDigest} of ${what}`,
    );
    if (manifest.kind !== 'manifest') throw new ImageError('corrupt', `${what} can't be used: its index names another index`);
    const { config, layers } = manifest;
    const configuration = parseConfiguration(
      await this.#document(config.digest, limits.configBytes, fetch),
      `configuration ${config.digest} of ${what}`,
    );
    if (fetch.platform !== 'any' && !runsOn(configuration, platform)) {
      const wanted = fetch.platform === undefined ? 'this node is' : 'wanted was';
      throw new ImageError('no-platform', `${what} is for ${platformName(configuration)}, ${wanted} ${platformName(platform)}`);
    }
    const { diffIds } = configuration;
    if (layers.length !== diffIds.length)
      throw new ImageError('corrupt', `${what} can't be used: ${layers.length} layers, but ${diffIds.length} diff ids`);
    if (layers.length > limits.layersPerImage)
      throw new ImageError('corrupt', `${what} has ${layers.length} layers, more than ${limits.layersPerImage}`);
    const records = layers.map((layer, i) => ({ digest: layer.digest, diffId: diffIds[i] ?? '' }));
    await this.#fetchLayers(layers, records, fetch);
    return { digest: isOwn ? digest : manifestDigest, manifestDigest, configDigest: config.digest, layers: records };
  }

  async #manifestFor(
    digest: string,
    what: string,
    platform: Platform,
    fetch: Fetch,
  ): Promise<{ readonly manifestDigest: string; readonly isOwn: boolean }> {
    const document = parseDocument(await this.#document(digest, this.#options.limits.manifestBytes, fetch), what);
    if (document.kind === 'manifest') return { manifestDigest: digest, isOwn: true };
    const here = ({ digest: each }: Descriptor): boolean => fetch.platform !== 'any' || this.#options.blobs.has(each);
    const entries = document.entries.filter(here);
    const chosen = choosePlatform(entries, platform) ?? (fetch.platform === 'any' ? entries[0] : undefined);
    if (chosen !== undefined)
      return { manifestDigest: chosen.digest, isOwn: choosePlatform(document.entries, this.#options.platform)?.digest === chosen.digest };
    const offered = describePlatforms(document.entries.map((entry) => entry.platform));
    throw new ImageError('no-platform', `no matching manifest for ${platformName(platform)}: ${what} is made for ${offered}`);
  }

  async #document(digest: string, maxBytes: number, fetch: Fetch): Promise<Buffer> {
    await this.#blob(digest, undefined, maxBytes, fetch);
    return this.#options.blobs.read(digest);
  }

  async #fetchLayers(layers: readonly Descriptor[], records: readonly LayerRecord[], fetch: Fetch): Promise<void> {
    // The first failure ends the others: nobody waits for gigabytes to hear of it.
    const failed = new AbortController();
    const signal = AbortSignal.any([fetch.signal, failed.signal]);
    const slots = new Slots(this.#options.limits.parallelDownloads);
    const results = await Promise.allSettled(
      layers.map(async (descriptor, i) => {
        try {
          await this.#layer(descriptor, records[i]?.diffId ?? '', slots, { ...fetch, signal });
        } catch (error) {
          failed.abort(error);
          throw error;
        }
      }),
    );
    fetch.signal.throwIfAborted();
    if (results.some((result) => result.status === 'rejected')) throw failed.signal.reason as Error;
  }

  async #layer(descriptor: Descriptor, diffId: string, slots: Slots, fetch: Fetch): Promise<void> {
    const { blobs, layers, limits } = this.#options;
    const { digest, sizeBytes } = descriptor;
    const say = (status: string, currentBytes?: number): void => fetch.onProgress(progressOf(status, digest, currentBytes, sizeBytes));
    fetch.pins.add(digest);
    fetch.pins.add(diffId);
    if (layers.has(diffId) && blobs.has(digest)) return say('Already exists');
    say('Pulling fs layer');
    if (sizeBytes > limits.layerBlobBytes)
      throw new ImageError('corrupt', `layer ${digest} has ${sizeBytes} bytes, more than ${limits.layerBlobBytes}`);
    let isDownloaded = false;
    const extracting = (bytes: number): void => {
      if (isDownloaded) say('Extracting', bytes);
    };
    let unpacking: Promise<boolean> | undefined;
    if (!blobs.has(digest)) {
      const progress = everyMebibyte((bytes) => say('Downloading', bytes));
      await slots
        .run(fetch.signal, () =>
          this.#blob(digest, sizeBytes, limits.layerBlobBytes, fetch, progress, (feed) => {
            unpacking = this.#unpackAlong(feed, digest, diffId, fetch.signal, extracting);
          }),
        )
        .catch(async (error: unknown) => {
          await unpacking;
          throw error;
        });
      say('Download complete');
    }
    isDownloaded = true;
    say('Extracting', 0);
    if ((await unpacking) !== true) {
      await this.#flights.run(`layer ${diffId}`, fetch.signal, async (signal) => {
        if (layers.has(diffId)) return;
        await layers.unpack({ diffId, blobDigest: digest, blobPath: blobs.pathOf(digest) }, signal, extracting);
      });
    }
    say('Pull complete');
  }

  /**
   * Unpacks a layer while it arrives, if nobody waits for the slot that takes. False: it must be unpacked
   * when it is here; whether a failure was the layer's or a source's shows then.
   */
  async #unpackAlong(
    feed: BlobFeed,
    blobDigest: string,
    diffId: string,
    signal: AbortSignal,
    onProgress: (bytes: number) => void,
  ): Promise<boolean> {
    const { layers } = this.#options;
    try {
      await this.#flights.run(`layer ${diffId}`, signal, async (either) => {
        if (!layers.has(diffId)) await layers.unpackAlong({ diffId, blobDigest, blobPath: feed.path }, feed, either, onProgress);
      });
      return true;
    } catch {
      return false;
    }
  }

  async #blob(
    digest: string,
    sizeBytes: number | undefined,
    maxBytes: number,
    fetch: Fetch,
    onBytes: (bytes: number) => void = () => undefined,
    onFeed?: (feed: BlobFeed) => void,
  ): Promise<void> {
    const { blobs, limits } = this.#options;
    fetch.pins.add(digest);
    const take = async (signal: AbortSignal): Promise<void> => {
      if (blobs.has(digest)) return;
      const feedFor = (path: string): BlobFeed | undefined => {
        if (onFeed === undefined) return undefined;
        const feed = new BlobFeed(path);
        onFeed(feed);
        return feed;
      };
      const pace = { bytes: limits.slowestBytes, windowMs: limits.slowestWindowMs };
      const { sources } = fetch;
      await downloadBlob(blobs, { digest, sizeBytes, maxBytes, sources, pace, retryMs: limits.retryMs, signal, onBytes, feedFor });
    };
    const means = fetch.sources.map(({ name }) => name);
    const sharesFate = (failure: unknown, others: readonly string[]): boolean =>
      failure instanceof ImageError && OF_SOURCES.includes(failure.code) && means.every((name) => others.includes(name));
    await this.#flights.run(`blob ${digest}`, fetch.signal, take, { means, sharesFate });
  }
}

function progressOf(status: string, digest: string, currentBytes: number | undefined, totalBytes: number): PullProgress {
  return { status, id: shortDigest(digest), ...(currentBytes === undefined ? {} : { currentBytes, totalBytes }) };
}

/** Progress is for people: one line per MiB is plenty. */
function everyMebibyte(say: (bytes: number) => void): (bytes: number) => void {
  let next = 0;
  return (bytes) => {
    if (bytes < next) return;
    next = bytes + 2 ** 20;
    say(bytes);
  };
}
