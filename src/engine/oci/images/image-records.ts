/**
 * Which images are here: a JSON file, replaced as a whole on each change. A record stays as long as
 * the image may be used: while a reference points to it, nobody asked for its removal, or a container
 * uses it. Everything in blobs/ and layers/ that no record names is garbage.
 *
 * There are two files, because a disk may take longer to write an image than a network to bring it.
 * images.live.json is what holds now, and waits for no disk: it is good for as long as this kernel runs,
 * which outlives any crash of the daemon. images.json has the images that have reached the disk whole,
 * and is what counts after a reboot: what a power cut took is not in it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../../linux/system-error.ts';
import { replaceFile, replaceFileSoon } from './durable.ts';
import { parseReference, repositoryOf } from './reference.ts';

export interface LayerRecord {
  readonly digest: string;
  readonly diffId: string;
}

export interface ImageRecord {
  /** Index or manifest digest: the image's identity. */
  readonly digest: string;
  /** This platform's manifest: the same, where the image has no index. */
  readonly manifestDigest: string;
  /** Docker's image id. */
  readonly configDigest: string;
  /** Bottom first. */
  readonly layers: readonly LayerRecord[];
  /** Blobs of other platforms that came with it: to save and push it whole. */
  readonly others?: readonly string[];
}

/** Blobs and layers of an image. A plain layer's blob and tree share one digest; each store knows its own. */
export function digestsOf({ digest, manifestDigest, configDigest, layers, others = [] }: ImageRecord): string[] {
  return [digest, manifestDigest, configDigest, ...others, ...layers.flatMap((layer) => [layer.digest, layer.diffId])];
}

interface Contents {
  readonly images: readonly ImageRecord[];
  /** Normalised reference to image digest. */
  readonly references: Readonly<Record<string, string>>;
  /** Image digest to the repositories that have it; absent in files of older releases. */
  readonly published?: Readonly<Record<string, readonly string[]>>;
}

export class ImageRecords {
  readonly #livePath: string;
  readonly #durablePath: string;
  readonly #bootId: string;
  readonly #images = new Map<string, ImageRecord>();
  readonly #references = new Map<string, string>();
  /** By image digest. */
  readonly #published = new Map<string, ReadonlySet<string>>();
  /** Records all of whose content is on disk. */
  readonly #durable = new Set<ImageRecord>();
  #onDisk: string;
  /** What is named there. */
  #digestsOnDisk: ReadonlySet<string>;
  #saving: Promise<void> = Promise.resolve();

  /**
   * @param bootId of the running kernel
   * @param isComplete whether all blobs and layers of a record are here; records of others are dropped
   */
  constructor(dir: string, bootId: string, isComplete: (record: ImageRecord) => boolean) {
    this.#livePath = join(dir, 'images.live.json');
    this.#durablePath = join(dir, 'images.json');
    this.#bootId = bootId;
    const durable = readDurable(this.#durablePath);
    this.#onDisk = JSON.stringify(durable);
    this.#digestsOnDisk = new Set(durable.images.map(({ digest }) => digest));
    const contents = readLive(this.#livePath, bootId) ?? durable;
    for (const record of contents.images) if (isComplete(record)) this.#images.set(record.digest, record);
    for (const [reference, digest] of Object.entries(contents.references))
      if (this.#images.has(digest)) this.#references.set(reference, digest);
    for (const [digest, repositories] of Object.entries(contents.published ?? {}))
      if (this.#images.has(digest)) this.#published.set(digest, new Set(repositories));
    const written = new Set(durable.images.map((record) => JSON.stringify(record)));
    for (const record of this.#images.values()) if (written.has(JSON.stringify(record))) this.#durable.add(record);
  }

  all(): ImageRecord[] {
    return [...this.#images.values()];
  }

  get(digest: string): ImageRecord | undefined {
    return this.#images.get(digest);
  }

  resolve(reference: string): ImageRecord | undefined {
    return this.get(this.#references.get(reference) ?? '');
  }

  /** All of them, normalised. */
  references(): string[] {
    return [...this.#references.keys()];
  }

  referencesOf(digest: string): string[] {
    return [...this.#references].filter(([, target]) => target === digest).map(([reference]) => reference);
  }

  /** Repositories that have it by its digest. */
  publishedOf(digest: string): string[] {
    return [...(this.#published.get(digest) ?? [])];
  }

  add(record: ImageRecord): void {
    const before = this.#images.get(record.digest);
    const others = record.others ?? before?.others;
    const kept = { ...record, ...(others && { others }) };
    // The same again is as much on disk as it was.
    if (JSON.stringify(kept) !== JSON.stringify(before)) this.#images.set(record.digest, kept);
  }

  point(reference: string, digest: string): void {
    this.#references.set(reference, digest);
  }

  /** That the repository has the image is forgotten with the image's last name there. */
  unpoint(reference: string): void {
    const digest = this.#references.get(reference) ?? '';
    this.#references.delete(reference);
    const repository = repositoryIn(reference);
    if (this.referencesOf(digest).some((other) => repositoryIn(other) === repository)) return;
    this.#published.set(digest, new Set(this.publishedOf(digest).filter((known) => known !== repository)));
  }

  publish(digest: string, repository: string): void {
    this.#published.set(digest, new Set([...this.publishedOf(digest), repository]));
  }

  /** With all references to it. */
  remove(digest: string): void {
    this.#images.delete(digest);
    for (const reference of this.referencesOf(digest)) this.unpoint(reference);
    this.#published.delete(digest);
  }

  /** Resolves when what holds now outlives this process. */
  save(): Promise<void> {
    return this.#inTurn(() => this.#saveLive());
  }

  /** Before what a record names may be removed: neither this process' successor nor one after a reboot knows of it any more. */
  saveRemoval(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#saveLive();
      await this.#saveDurable();
    });
  }

  /** Whether a power cut could not take it any more. */
  isOnDisk(digest: string): boolean {
    return this.#digestsOnDisk.has(digest);
  }

  /** Brings what holds now to the disk. @param sync writes out all blobs and layers */
  async settle(sync: () => Promise<void>): Promise<void> {
    const written = this.all();
    await sync();
    await this.#inTurn(async () => {
      for (const record of written) this.#durable.add(record);
      await this.#saveDurable();
    });
  }

  #publishedOf(images: readonly ImageRecord[]): Pick<Contents, 'published'> {
    const known = images.map(({ digest }) => [digest, this.publishedOf(digest)] as const).filter(([, all]) => all.length > 0);
    return known.length === 0 ? {} : { published: Object.fromEntries(known) };
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    const saved = this.#saving.then(write);
    this.#saving = saved.catch(() => undefined);
    return saved;
  }

  #saveLive(): Promise<void> {
    const references = Object.fromEntries(this.#references);
    const contents: Live = { bootId: this.#bootId, images: this.all(), references, ...this.#publishedOf(this.all()) };
    return replaceFileSoon(this.#livePath, JSON.stringify(contents));
  }

  async #saveDurable(): Promise<void> {
    const images = this.all().filter((record) => this.#durable.has(record));
    for (const record of this.#durable) if (this.get(record.digest) !== record) this.#durable.delete(record);
    const digests = new Set(images.map(({ digest }) => digest));
    const references = Object.fromEntries([...this.#references].filter(([, digest]) => digests.has(digest)));
    const contents = JSON.stringify({ images, references, ...this.#publishedOf(images) } satisfies Contents);
    if (contents === this.#onDisk) return;
    await replaceFile(this.#durablePath, contents);
    this.#onDisk = contents;
    this.#digestsOnDisk = digests;
  }
}

const repositoryIn = (reference: string): string => repositoryOf(parseReference(reference));

interface Live extends Contents {
  readonly bootId: string;
}

/** Undefined where it is of another life of the host, in which it may never have been written whole. */
function readLive(path: string, bootId: string): Contents | undefined {
  try {
    const live = JSON.parse(readFileSync(path, 'utf8')) as Live;
    return live.bootId === bootId ? live : undefined;
  } catch {
    return undefined;
  }
}

function readDurable(path: string): Contents {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Contents;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { images: [], references: {} };
    throw new Error(`the list of images ${path} can't be read: repair it, or remove it to start without images`, { cause: error });
  }
}
