import { ImageError, type ImagePlatform, type RegistryCredentials } from '../../../port.ts';
import { parseConfiguration, parseDocument } from '../documents.ts';
import type { ImageLimits } from '../limits.ts';
import { familiarReference, type Reference } from '../reference.ts';
import { type Connections, connectionsOf, hasCertificates } from './connections.ts';
import { endpointOf } from './endpoint.ts';
import { discard, type HttpPatience, readBody } from './http-request.ts';
import { RegistryClient } from './registry-client.ts';
import { RegistrySession } from './registry-session.ts';
import { RepositoryWriter } from './repository-writer.ts';

export interface RegistriesOptions {
  /** Hosts spoken to without TLS; asked each time. */
  readonly insecureRegistries: () => readonly string[];
  /** With a directory `HOST[:PORT]` per registry that has certificates of its own. */
  readonly certificatesDir: string;
  readonly limits: ImageLimits;
  readonly patience: HttpPatience | undefined;
}

/** What a registry has under a reference. */
export interface Distribution {
  readonly digest: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly platforms: readonly ImagePlatform[];
}

/** The registries that this node can talk to, by their names in references. */
export class Registries {
  readonly #options: RegistriesOptions;

  constructor(options: RegistriesOptions) {
    this.#options = options;
  }

  /** @throws ImageError where its certificates can't be used */
  client(reference: Reference, credentials: RegistryCredentials | undefined): RegistryClient {
    return new RegistryClient(this.#session(reference.domain, credentials), reference, this.#options.limits.manifestBytes);
  }

  /** @throws ImageError where its certificates can't be used */
  writer(reference: Reference, credentials: RegistryCredentials | undefined): RepositoryWriter {
    return new RepositoryWriter(this.#session(reference.domain, credentials), reference);
  }

  /** Nothing is kept. @throws ImageError */
  async distribution(reference: Reference, credentials: RegistryCredentials | undefined, signal: AbortSignal): Promise<Distribution> {
    const client = this.client(reference, credentials);
    const { digest, mediaType, content } = await client.resolve(signal);
    const what = familiarReference(reference);
    const document = parseDocument(content, what);
    const found = { digest, mediaType, sizeBytes: content.length };
    if (document.kind === 'index') {
      const platforms = document.entries.map(({ platform }) => platform).filter((platform) => platform !== undefined);
      return { ...found, platforms };
    }
    const config = await client.open(document.config.digest, signal);
    if (config === undefined)
      throw new ImageError('not-found', `the configuration ${document.config.digest} of ${what} is not at ${client.name}`);
    const { configBytes } = this.#options.limits;
    const { os, architecture, variant } = parseConfiguration(
      await readBody(config.stream, configBytes, `the configuration of ${what}`),
      what,
    );
    return { ...found, platforms: [{ os, architecture, variant }] };
  }

  /** @throws ImageError denied, unreachable */
  async login(domain: string, credentials: RegistryCredentials, signal: AbortSignal): Promise<void> {
    const session = this.#session(domain, credentials);
    const response = await session.request('/v2/', { scopes: [], signal });
    if (response.statusCode === 200) {
      discard(response);
      return;
    }
    const refused = await session.refusal(response, domain, 'pull');
    if (refused.code !== 'denied') throw refused;
    throw new ImageError('denied', `unauthorized: ${session.name} does not accept this user name and password`);
  }

  #session(domain: string, credentials: RegistryCredentials | undefined): RegistrySession {
    const { insecureRegistries, certificatesDir, patience } = this.#options;
    const endpoint = endpointOf(domain, insecureRegistries(), hasCertificates(certificatesDir, domain));
    const connections: Connections | undefined = endpoint.plain ? undefined : connectionsOf(certificatesDir, endpoint);
    return new RegistrySession({ endpoint, credentials, connections, patience });
  }
}
