/**
 * Which images are here: one JSON file, replaced as a whole on each change. A record stays as long as
 * the image may be used: while a reference points to it, nobody asked for its removal, or a container
 * uses it. Everything in blobs/ and layers/ that no record names is garbage.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../../linux/system-error.ts';
import { replaceFile } from './durable.ts';

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

interface Contents {
  readonly images: readonly ImageRecord[];
  /** Normalised reference to image digest. */
  readonly references: Readonly<Record<string, string>>;
}

export class ImageRecords {
  readonly #path: string;
  readonly #images = new Map<string, ImageRecord>();
  readonly #references = new Map<string, string>();
  #saving: Promise<void> = Promise.resolve();

  /** @param isComplete whether all blobs and layers of a record are here; records of others are dropped */
  constructor(dir: string, isComplete: (record: ImageRecord) => boolean) {
    this.#path = join(dir, 'images.json');
    const contents = readContents(this.#path);
    for (const record of contents.images) if (isComplete(record)) this.#images.set(record.digest, record);
    for (const [reference, digest] of Object.entries(contents.references))
      if (this.#images.has(digest)) this.#references.set(reference, digest);
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

  add(record: ImageRecord): void {
    const others = record.others ?? this.#images.get(record.digest)?.others;
    this.#images.set(record.digest, { ...record, ...(others && { others }) });
  }

  point(reference: string, digest: string): void {
    this.#references.set(reference, digest);
  }

  unpoint(reference: string): void {
    this.#references.delete(reference);
  }

  /** With all references to it. */
  remove(digest: string): void {
    this.#images.delete(digest);
    for (const reference of this.referencesOf(digest)) this.unpoint(reference);
  }

  /** Resolves when what holds now is on disk. */
  save(): Promise<void> {
    const write = (): Promise<void> => {
      const contents: Contents = { images: this.all(), references: Object.fromEntries(this.#references) };
      return replaceFile(this.#path, JSON.stringify(contents));
    };
    const saved = this.#saving.then(write);
    this.#saving = saved.catch(() => undefined);
    return saved;
  }
}

function readContents(path: string): Contents {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Contents;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { images: [], references: {} };
    throw new Error(`the list of images ${path} can't be read: repair it, or remove it to start without images`, { cause: error });
  }
}
