import { readdirSync, readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { createSecureContext, getCACertificates } from 'node:tls';
import { hasCode } from '../../../../linux/system-error.ts';
import { ImageError } from '../../../port.ts';
import type { Endpoint } from './endpoint.ts';

/** Where Docker keeps certificates per registry, and so everybody who documents a registry's set-up. */
export const DOCKER_CERTIFICATES_DIR = '/etc/docker/certs.d';

const FREE_CONNECTION_MS = 5_000;

/** TLS connections to one registry and to where it redirects. */
export interface Connections {
  /** Undefined: as for any other host. */
  agentFor(url: URL): https.Agent | undefined;
}

/** Whether somebody has put certificates there for this registry: then it is meant to have TLS. */
export function hasCertificates(dir: string, domain: string): boolean {
  return namesIn(join(dir, domain)) !== undefined;
}

/**
 * The connections for a registry whose directory `HOST[:PORT]` below `dir` has files: each `*.crt` is
 * a CA to trust besides the host's own, `NAME.cert` with `NAME.key` the client's certificate. The CAs
 * hold for where the registry redirects too, the client's certificate for the registry alone.
 * @returns undefined where there is no such directory @throws ImageError where a file can't be used
 */
export function connectionsOf(dir: string, { domain, baseUrl }: Endpoint): Connections | undefined {
  const files = join(dir, domain);
  const names = namesIn(files);
  if (names === undefined) return undefined;
  const read = (name: string): string => {
    try {
      return readFileSync(join(files, name), 'utf8');
    } catch (error) {
      throw unusable(join(files, name), error);
    }
  };
  const own = names.filter((name) => name.endsWith('.crt')).map(read);
  const [client] = names.filter((name) => name.endsWith('.cert')).map((name) => name.slice(0, -'.cert'.length));
  if (client !== undefined && !names.includes(`${client}.key`))
    throw new ImageError('denied', `${join(files, `${client}.cert`)} needs its key beside it: ${client}.key is missing`);
  const certificate = client === undefined ? {} : { cert: read(`${client}.cert`), key: read(`${client}.key`) };
  const ca = [...getCACertificates('default'), ...own];
  const agent = (options: { readonly cert?: string; readonly key?: string }): https.Agent => {
    try {
      return new https.Agent({
        keepAlive: true,
        timeout: FREE_CONNECTION_MS,
        secureContext: createSecureContext({ ca, ...options }),
      });
    } catch (error) {
      throw unusable(files, error);
    }
  };
  const toRegistry = agent(certificate);
  const toOthers = client === undefined ? toRegistry : agent({});
  const { hostname } = baseUrl;
  return { agentFor: (url) => (url.protocol !== 'https:' ? undefined : url.hostname === hostname ? toRegistry : toOthers) };
}

function namesIn(dir: string): string[] | undefined {
  try {
    return readdirSync(dir).sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw unusable(dir, error);
  }
}

function unusable(path: string, error: unknown): ImageError {
  return new ImageError('denied', `${path} can't be used for this registry: ${error instanceof Error ? error.message : String(error)}`);
}
