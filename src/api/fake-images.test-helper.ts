import { Readable } from 'node:stream';
import {
  type ImageDetails,
  ImageError,
  type ImagePlatform,
  type ImageStore,
  type NewImage,
  type PruneOptions,
  type RegistryCredentials,
} from '../engine/port.ts';

/** One node's images, as names only. */
export class FakeImages implements ImageStore {
  readonly stored: ImageDetails[] = [];
  readonly pulled: { readonly reference: string; readonly username: string | undefined; readonly platform?: ImagePlatform }[] = [];
  /** `reference username`. */
  readonly pushed: string[] = [];
  readonly logins: string[] = [];
  /** Thrown by the next operation. */
  failNext: ImageError | undefined;

  put(reference: string, fill: string, arches: readonly string[] = ['amd64']): ImageDetails {
    const image: ImageDetails = {
      id: `sha256:${fill.repeat(64).slice(0, 64)}`,
      digest: `sha256:${`d${fill}`.repeat(32).slice(0, 64)}`,
      references: reference === '' ? [] : [reference],
      createdAtMs: 1_700_000_000_000,
      sizeBytes: 4_000_000,
      labels: { maker: 'us' },
      architecture: 'amd64',
      os: 'linux',
      variant: '',
      author: '',
      layers: [`sha256:${'e'.repeat(64)}`],
      config: { Cmd: ['sh'], StopSignal: 'SIGQUIT' },
      history: [{ created: '2024-01-01T00:00:00Z', created_by: 'ADD file' }],
      arches,
    };
    this.stored.push(image);
    return image;
  }

  async list() {
    return this.stored;
  }

  async inspect(name: string) {
    const tagged = /:[^/]*$/.test(name) ? name : `${name}:latest`;
    return this.stored.find(
      (i) =>
        i.id === name || i.digest === name || i.references.some((r) => r === name || r === `docker.io/library/${tagged}` || r === tagged),
    );
  }

  async pull(reference: string, options: Parameters<ImageStore['pull']>[1]) {
    this.#fail();
    const { platform } = options;
    this.pulled.push({ reference, username: options.credentials?.username, ...(platform && { platform }) });
    options.onProgress({ status: 'Downloading', id: 'abc', currentBytes: 1, totalBytes: 2 });
    options.onProgress({ status: 'Pull complete', id: 'abc' });
    this.#fail();
    return this.put(reference, 'a');
  }

  async load(archive: Readable) {
    let bytes = 0;
    for await (const chunk of archive as AsyncIterable<Buffer>) bytes += chunk.length;
    this.#fail();
    return [this.put(`docker.io/library/loaded:${bytes}`, 'b')];
  }

  async fetch() {}

  async remove(name: string) {
    this.#fail();
    const image = await this.#found(name);
    this.stored.splice(this.stored.indexOf(image), 1);
    return [{ untagged: image.references[0] ?? '' }, { deleted: image.id }];
  }

  async openBlob() {
    return undefined;
  }

  registrySource() {
    return { name: 'registry', open: async () => undefined };
  }

  async tag(name: string, reference: string) {
    this.#fail();
    const image = await this.#found(name);
    this.stored.splice(this.stored.indexOf(image), 1, { ...image, references: [...image.references, reference] });
  }

  async untag(reference: string) {
    this.#fail();
    this.stored.splice(
      0,
      Infinity,
      ...this.stored.map((image) => ({ ...image, references: image.references.filter((each) => each !== reference) })),
    );
  }

  async push(reference: string, options: Parameters<ImageStore['push']>[1]) {
    this.#fail();
    const { digest } = await this.#found(reference);
    this.pushed.push(`${reference} ${options.credentials?.username ?? ''}`.trim());
    options.onProgress({ status: 'Pushed', id: 'abc' });
    return { digest, sizeBytes: 512 };
  }

  async save(names: readonly string[]) {
    this.#fail();
    for (const name of names) await this.#found(name);
    return Readable.from([Buffer.from(`saved ${names.join(' ')}`)]);
  }

  /** Nothing uses any. */
  async prune({ all, isMeant }: PruneOptions) {
    const gone = this.stored.filter(({ references, labels }) => (all || references.length === 0) && isMeant(labels));
    for (const image of gone) this.stored.splice(this.stored.indexOf(image), 1);
    const removed = gone.flatMap(({ references, id }) => [...references.map((untagged) => ({ untagged })), { deleted: id }]);
    return { removed, reclaimedBytes: gone.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  }

  async usage() {
    const images = Object.fromEntries(this.stored.map(({ digest }) => [digest, { sharedBytes: 0, containers: 0 }]));
    return { layersBytes: this.stored.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), images };
  }

  async importRoot(root: Readable, image: NewImage) {
    this.#fail();
    return this.#make(root, image);
  }

  async commit(_baseDigest: string, layer: Readable, image: NewImage) {
    this.#fail();
    return this.#make(layer, image);
  }

  async distribution(reference: string) {
    const { digest } = await this.#found(reference);
    return { digest, mediaType: 'application/vnd.oci.image.manifest.v1+json', sizeBytes: 512, platforms: [] };
  }

  async login(domain: string, { username }: RegistryCredentials) {
    this.#fail();
    this.logins.push(`${domain} ${username}`);
  }

  async #found(name: string): Promise<ImageDetails> {
    const image = await this.inspect(name);
    if (image === undefined) throw new ImageError('not-found', `No such image: ${name}`);
    return image;
  }

  /** What was read counts: an image that tells how many bytes its layer had. */
  async #make(archive: Readable, wish: NewImage): Promise<ImageDetails> {
    let bytes = 0;
    for await (const chunk of archive as AsyncIterable<Buffer>) bytes += chunk.length;
    const made = this.put(wish.reference, 'c');
    const { author, config, comment, createdBy } = wish;
    const history = [{ comment, ...(createdBy === undefined ? {} : { created_by: createdBy }) }];
    const image = { ...made, sizeBytes: bytes, author, config, history };
    this.stored.splice(this.stored.indexOf(made), 1, image);
    return image;
  }

  #fail(): void {
    const error = this.failNext;
    this.failNext = undefined;
    if (error !== undefined) throw error;
  }
}
