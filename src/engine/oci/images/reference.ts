import { ImageError } from '../../port.ts';
import { isDigest } from './digest.ts';

/** An image's name, taken apart. Either `tag` or `digest` decides; with a digest the tag is dropped. */
export interface Reference {
  /** Host with optional port: `docker.io`, `10.0.0.1:5000`. */
  readonly domain: string;
  /** Repository: `library/busybox`. */
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const DEFAULT_DOMAIN = 'docker.io';
const DEFAULT_TAG = 'latest';
const MAX_NAME_LENGTH = 255;

const DOMAIN =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]{1,5})?$/;
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const IMAGE_ID = /^[0-9a-f]{64}$/;

/**
 * Reads a name as Docker does: `busybox` is `docker.io/library/busybox:latest`; the first component is
 * a host if it has a dot, a colon or capitals, or is `localhost`. @throws ImageError bad-reference
 */
export function parseReference(text: string): Reference {
  const [beforeDigest, digest] = splitOnce(text, '@');
  if (digest !== undefined && !isDigest(digest)) throw bad(text, `"${digest}" is no digest: it must be sha256: and 64 hex digits`);
  const colon = beforeDigest.lastIndexOf(':');
  const tagged = colon > beforeDigest.lastIndexOf('/');
  const name = tagged ? beforeDigest.slice(0, colon) : beforeDigest;
  const tag = tagged ? beforeDigest.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) throw bad(text, `"${tag}" is no tag: letters, digits, _ . - and at most 128 of them`);
  if (IMAGE_ID.test(name)) throw bad(text, 'it is an image id, not a name');
  const { domain, path } = splitName(name);
  if (!DOMAIN.test(domain)) throw bad(text, `"${domain}" is no registry host`);
  if (path !== path.toLowerCase()) throw bad(text, 'the repository name must be lower case');
  for (const component of path.split('/')) {
    if (!PATH_COMPONENT.test(component)) throw bad(text, `"${component}" may have a-z and 0-9, with single . _ - between them`);
  }
  if (domain.length + 1 + path.length > MAX_NAME_LENGTH) throw bad(text.slice(0, 64), `names have at most ${MAX_NAME_LENGTH} characters`);
  if (digest !== undefined) return { domain, path, tag: undefined, digest };
  return { domain, path, tag: tag ?? DEFAULT_TAG, digest: undefined };
}

/** `docker.io/library/busybox:latest`: the one spelling that is stored and compared. */
export function formatReference(reference: Reference): string {
  return `${reference.domain}/${reference.path}${suffix(reference)}`;
}

/** `docker.io/library/busybox`. */
export const repositoryOf = ({ domain, path }: Reference): string => `${domain}/${path}`;

/** `busybox:latest`: as Docker shows it to people. */
export function familiarReference(reference: Reference): string {
  const owner = reference.path.slice(0, reference.path.indexOf('/'));
  // An owner at Docker Hub that looks like a host keeps the domain: the short form would mean that host.
  if (reference.domain !== DEFAULT_DOMAIN || looksLikeDomain(owner)) return formatReference(reference);
  const path = reference.path.startsWith('library/') ? reference.path.slice('library/'.length) : reference.path;
  return path + suffix(reference);
}

function suffix(reference: Reference): string {
  return reference.digest === undefined ? `:${reference.tag ?? DEFAULT_TAG}` : `@${reference.digest}`;
}

function splitName(name: string): { domain: string; path: string } {
  const [first, rest] = splitOnce(name, '/');
  const isDomain = rest !== undefined && looksLikeDomain(first);
  const domain = isDomain ? first : DEFAULT_DOMAIN;
  const path = isDomain ? rest : name;
  if (domain !== DEFAULT_DOMAIN && domain !== 'index.docker.io') return { domain, path };
  return { domain: DEFAULT_DOMAIN, path: path.includes('/') ? path : `library/${path}` };
}

function looksLikeDomain(component: string): boolean {
  return /[.:]/.test(component) || component === 'localhost' || component !== component.toLowerCase();
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

function bad(text: string, why: string): ImageError {
  return new ImageError('bad-reference', `invalid reference format: "${text}": ${why}`);
}
