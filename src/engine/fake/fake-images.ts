import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Readable as Stream } from 'node:stream';
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
} from '../port.ts';

/**
 * Images in memory. `published` is the registry: what `pull` finds by reference, and `push` adds to. An image's
 * blobs are one, named by its digest; so `fetch` takes from a peer what the peer's `openBlob` gives. An archive is
 * JSON of images. The registries take any user whose password is not `wrong`.
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
    refuseWrong(options.credentials);
    const image = this.#findPublished(reference);
    const { platform } = options;
    if (platform !== undefined && platform.architecture !== image.architecture)
      throw new ImageError(
        'no-platform',
        `no matching manifest for ${platform.os}/${platform.architecture}: ${reference} is made for ${image.os}/${image.architecture}`,
      );
    for (const layer of image.layers) options.onProgress({ status: 'Pull complete', id: layer.replace(/^sha256:/, '').slice(0, 12) });
    options.onProgress({ status: `Digest: ${image.digest}`, id: '' });
    return this.#store(image, reference);
  }

  /** The archive is JSON of one ImageDetails, or of a list of them. */
  async load(archive: Readable, onProgress: (progress: PullProgress) => void): Promise<readonly ImageDetails[]> {
    const images = parse(await readAll(archive));
    for (const image of images) {
      this.#stored.set(image.digest, image);
      onProgress({ status: 'Loaded', id: image.id.slice(7, 19) });
    }
    return images;
  }

  async fetch(image: ImageRef, sources: readonly BlobSource[], signal: AbortSignal): Promise<void> {
    if (this.#stored.has(image.digest)) return;
    const own = this.#published.get(image.reference);
    if (own?.digest === image.digest) return void this.#store(own, image.reference);
    for (const source of sources) {
      const blob = await source.open(image.digest, signal);
      const [found] = blob === undefined ? [] : parse(await readAll(blob.stream));
      if (found !== undefined) return void this.#store(found, image.reference);
    }
    throw new ImageError('not-found', `image ${image.reference} is at none of ${sources.length} sources`);
  }

  async remove(nameOrId: string, force: boolean): Promise<readonly ImageRemoval[]> {
    const image = await this.#find(nameOrId);
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

  async openBlob(digest: string, fromByte = 0): Promise<{ readonly sizeBytes: number; readonly stream: Readable } | undefined> {
    const image = this.#stored.get(digest);
    if (image === undefined) return undefined;
    const bytes = Buffer.from(JSON.stringify(image));
    return { sizeBytes: bytes.length, stream: Stream.from([bytes.subarray(fromByte)]) };
  }

  async tag(nameOrId: string, reference: string): Promise<void> {
    if (reference.includes('@')) throw new ImageError('bad-reference', `refusing to create a tag with a digest reference: ${reference}`);
    this.#store(await this.#find(nameOrId), reference);
  }

  async untag(reference: string): Promise<void> {
    for (const image of this.#stored.values()) {
      if (!image.references.includes(reference)) continue;
      this.#stored.set(image.digest, { ...image, references: image.references.filter((each) => each !== reference) });
    }
  }

  async push(reference: string, options: PushOptions): Promise<{ readonly digest: string; readonly sizeBytes: number }> {
    refuseWrong(options.credentials);
    const image = [...this.#stored.values()].find(({ references }) => references.includes(reference));
    if (image === undefined) throw new ImageError('not-found', `An image does not exist locally with the tag: ${reference}`);
    const colon = reference.lastIndexOf(':');
    const pushed = { digest: image.digest, sizeBytes: JSON.stringify(image).length };
    options.onProgress({ status: `The push refers to repository [${reference.slice(0, colon)}]`, id: '' });
    for (const layer of image.layers) {
      const status = this.#published.has(reference) ? 'Layer already exists' : 'Pushed';
      options.onProgress({ status, id: layer.replace(/^sha256:/, '').slice(0, 12) });
    }
    this.#published.set(reference, image);
    options.onProgress({ status: `${reference.slice(colon + 1)}: digest: ${pushed.digest} size: ${pushed.sizeBytes}`, id: '' });
    return pushed;
  }

  async save(namesOrIds: readonly string[], _signal: AbortSignal): Promise<Readable> {
    const images = await Promise.all(namesOrIds.map((name) => this.#find(name)));
    return Stream.from([Buffer.from(JSON.stringify(images))]);
  }

  async prune(options: PruneOptions): Promise<{ readonly removed: readonly ImageRemoval[]; readonly reclaimedBytes: number }> {
    const meant = [...this.#stored.values()].filter(
      ({ digest, references, labels, createdAtMs }) =>
        (options.all || references.length === 0) &&
        (options.untilMs === undefined || createdAtMs < options.untilMs) &&
        (this.#usedBy.get(digest)?.size ?? 0) === 0 &&
        options.isMeant(labels),
    );
    for (const { digest } of meant) this.#stored.delete(digest);
    return {
      removed: meant.flatMap(({ id, references }) => [...references.map((untagged) => ({ untagged })), { deleted: id }]),
      reclaimedBytes: meant.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    };
  }

  async usage(): Promise<ImageUsage> {
    const all = [...this.#stored.values()];
    const shares = (image: ImageDetails): boolean =>
      all.some((other) => other.digest !== image.digest && other.layers.some((layer) => image.layers.includes(layer)));
    return {
      layersBytes: all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      images: Object.fromEntries(
        all.map((image) => [
          image.digest,
          { sharedBytes: shares(image) ? image.sizeBytes : 0, containers: this.#usedBy.get(image.digest)?.size ?? 0 },
        ]),
      ),
    };
  }

  async importRoot(root: Readable, image: NewImage, platform: ImagePlatform | undefined, _signal: AbortSignal): Promise<ImageDetails> {
    const bytes = await readAll(root);
    return this.#make(fakeImage({ layers: [digestOf(bytes)], sizeBytes: bytes.length, ...platform }), image);
  }

  async commit(baseDigest: string, layer: Readable, image: NewImage, _signal: AbortSignal): Promise<ImageDetails> {
    const base = this.#stored.get(baseDigest);
    const bytes = await readAll(layer);
    if (base === undefined) throw new ImageError('not-found', `No such image: ${baseDigest}`);
    const layers = [...base.layers, digestOf(bytes)];
    return this.#make({ ...base, layers, sizeBytes: base.sizeBytes + bytes.length }, image);
  }

  async distribution(
    reference: string,
    credentials: RegistryCredentials | undefined,
    _signal: AbortSignal,
  ): ReturnType<ImageStore['distribution']> {
    refuseWrong(credentials);
    const image = this.#findPublished(reference);
    return {
      digest: image.digest,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      sizeBytes: JSON.stringify(image).length,
      platforms: image.arches.map((architecture) => ({ os: image.os, architecture, variant: '' })),
    };
  }

  async login(_domain: string, credentials: RegistryCredentials, _signal: AbortSignal): Promise<void> {
    refuseWrong(credentials);
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

  async #find(nameOrId: string): Promise<ImageDetails> {
    const image = await this.inspect(nameOrId);
    if (image === undefined) throw new ImageError('not-found', `No such image: ${nameOrId}`);
    return image;
  }

  #findPublished(reference: string): ImageDetails {
    const image = this.#published.get(reference);
    if (image === undefined) throw new ImageError('not-found', `the registry has no image ${reference}`);
    return image;
  }

  #make(image: ImageDetails, { reference, author, comment, config, createdBy }: NewImage): ImageDetails {
    const id = digestOf(Buffer.from(JSON.stringify([image.layers, config, author, comment])));
    const made = {
      ...image,
      id,
      digest: digestOf(Buffer.from(id)),
      references: [],
      author,
      config,
      history: [...image.history, { comment, ...(createdBy === undefined ? {} : { created_by: createdBy }) }],
    };
    this.#stored.set(made.digest, made);
    return reference === '' ? made : this.#store(made, reference);
  }

  #store(image: ImageDetails, reference: string): ImageDetails {
    // A reference points to one image.
    for (const other of this.#stored.values())
      if (other.digest !== image.digest && other.references.includes(reference))
        this.#stored.set(other.digest, { ...other, references: other.references.filter((each) => each !== reference) });
    const before = this.#stored.get(image.digest)?.references ?? [];
    const stored = { ...image, references: [...new Set([...before, reference])] };
    this.#stored.set(image.digest, stored);
    return stored;
  }
}

function refuseWrong(credentials: RegistryCredentials | undefined): void {
  if (credentials?.password === 'wrong') throw new ImageError('denied', 'unauthorized: incorrect username or password');
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function parse(bytes: Buffer): ImageDetails[] {
  try {
    return [JSON.parse(bytes.toString()) as ImageDetails | ImageDetails[]].flat();
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
