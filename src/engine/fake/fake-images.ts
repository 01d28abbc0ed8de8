import type { Readable } from 'node:stream';
import { Readable as Stream } from 'node:stream';
import {
  type BlobSource,
  type ImageDetails,
  ImageError,
  type ImageRef,
  type ImageStore,
  type ImageSummary,
  type PullOptions,
  type PullProgress,
  type RegistryCredentials,
} from '../port.ts';

/**
 * Images in memory. `published` is the registry: what `pull` finds by reference. An image's blobs are one, named by
 * its digest; so `fetch` takes from a peer what the peer's `openBlob` gives.
 */
export class FakeImages implements ImageStore {
  readonly #published = new Map<string, ImageDetails>();
  readonly #stored = new Map<string, ImageDetails>();
  readonly #usedBy = new Map<string, Set<string>>();

  /** Makes the image known to the fake registry. */
  publish(image: ImageDetails): void {
    for (const reference of image.references) this.#published.set(reference, image);
  }

  /** Puts the image here without a pull. */
  add(image: ImageDetails): void {
    this.#stored.set(image.digest, image);
  }

  async list(): Promise<readonly ImageSummary[]> {
    return [...this.#stored.values()];
  }

  async inspect(nameOrId: string): Promise<ImageDetails | undefined> {
    const all = [...this.#stored.values()];
    const exact = all.find((image) => image.references.includes(nameOrId) || image.digest === nameOrId || image.id === nameOrId);
    if (exact !== undefined) return exact;
    const bare = nameOrId.replace(/^sha256:/, '');
    const short = /^[0-9a-f]{4,64}$/.test(bare) ? all.filter((image) => image.id.startsWith(`sha256:${bare}`)) : [];
    return short.length === 1 ? short[0] : undefined;
  }

  async pull(reference: string, options: PullOptions): Promise<ImageDetails> {
    const image = this.#published.get(reference);
    if (image === undefined) throw new ImageError('not-found', `the registry has no image ${reference}`);
    for (const layer of image.layers) options.onProgress({ status: 'Pull complete', id: layer.replace(/^sha256:/, '').slice(0, 12) });
    options.onProgress({ status: `Digest: ${image.digest}`, id: '' });
    return this.#store(image, reference);
  }

  /** The archive is JSON of one ImageDetails. */
  async load(archive: Readable, onProgress: (progress: PullProgress) => void): Promise<readonly ImageDetails[]> {
    const image = parse(await readAll(archive));
    this.#stored.set(image.digest, image);
    onProgress({ status: 'Loaded', id: image.id.slice(7, 19) });
    return [image];
  }

  async fetch(image: ImageRef, sources: readonly BlobSource[], signal: AbortSignal): Promise<void> {
    if (this.#stored.has(image.digest)) return;
    const own = this.#published.get(image.reference);
    if (own?.digest === image.digest) return void this.#store(own, image.reference);
    for (const source of sources) {
      const blob = await source.open(image.digest, signal);
      if (blob !== undefined) return void this.#store(parse(await readAll(blob.stream)), image.reference);
    }
    throw new ImageError('not-found', `image ${image.reference} is at none of ${sources.length} sources`);
  }

  async remove(nameOrId: string, force: boolean): Promise<readonly { readonly untagged?: string; readonly deleted?: string }[]> {
    const image = await this.inspect(nameOrId);
    if (image === undefined) throw new ImageError('not-found', `no such image: ${nameOrId}`);
    const named = image.references.includes(nameOrId);
    if (named && image.references.length > 1) {
      this.#stored.set(image.digest, { ...image, references: image.references.filter((each) => each !== nameOrId) });
      return [{ untagged: nameOrId }];
    }
    const users = [...(this.#usedBy.get(image.digest) ?? [])];
    if (users.length > 0 && !force) throw new ImageError('in-use', `image ${nameOrId} is used by container ${users[0]?.slice(0, 12)}`);
    this.#stored.delete(image.digest);
    return [...image.references.map((untagged) => ({ untagged })), { deleted: image.id }];
  }

  async openBlob(digest: string): Promise<{ readonly sizeBytes: number; readonly stream: Readable } | undefined> {
    const image = this.#stored.get(digest);
    if (image === undefined) return undefined;
    const bytes = Buffer.from(JSON.stringify(image));
    return { sizeBytes: bytes.length, stream: Stream.from([bytes]) };
  }

  registrySource(reference: string, _credentials: RegistryCredentials | undefined): BlobSource {
    return {
      name: 'registry',
      open: async (digest) => {
        const image = this.#published.get(reference);
        if (image?.digest !== digest) return undefined;
        const bytes = Buffer.from(JSON.stringify(image));
        return { sizeBytes: bytes.length, stream: Stream.from([bytes]) };
      },
    };
  }

  retain(digest: string, containerId: string): void {
    this.#usedBy.set(digest, (this.#usedBy.get(digest) ?? new Set()).add(containerId));
  }

  releaseContainer(containerId: string): void {
    for (const users of this.#usedBy.values()) users.delete(containerId);
  }

  #store(image: ImageDetails, reference: string): ImageDetails {
    const before = this.#stored.get(image.digest)?.references ?? [];
    const stored = { ...image, references: [...new Set([...before, reference])] };
    this.#stored.set(image.digest, stored);
    return stored;
  }
}

function parse(bytes: Buffer): ImageDetails {
  try {
    return JSON.parse(bytes.toString()) as ImageDetails;
  } catch {
    throw new ImageError('corrupt', 'the archive is no image of the fake store');
  }
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** busybox as the fake store has it; `change` for others. */
export function fakeImage(change: Partial<ImageDetails> = {}): ImageDetails {
  return {
    id: `sha256:${'c'.repeat(64)}`,
    digest: `sha256:${'b'.repeat(64)}`,
    references: ['docker.io/library/busybox:latest'],
    createdAtMs: 0,
    sizeBytes: 2_000_000,
    labels: {},
    architecture: 'amd64',
    os: 'linux',
    variant: '',
    author: '',
    layers: [`sha256:${'d'.repeat(64)}`],
    config: { Cmd: ['sh'] },
    history: [],
    arches: ['amd64'],
    ...change,
  };
}
