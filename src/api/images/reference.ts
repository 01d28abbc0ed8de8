import { ApiError } from '../http/api-error.ts';

const DEFAULT_HOST = 'docker.io';
const OFFICIAL = 'library/';
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const LONGEST = 512;

export interface Reference {
  /** Registry with port: `docker.io`, `10.0.0.1:5000`. */
  readonly host: string;
  /** `library/busybox`. */
  readonly path: string;
  /** '' where only a digest was given. */
  readonly tag: string;
  /** '' where none was given. */
  readonly digest: string;
}

/**
 * `busybox` → docker.io/library/busybox:latest; `10.0.0.1:5000/x@sha256:…` keeps its digest. The
 * grammar is the distribution project's (reference/reference.go): the first component is a registry
 * where it holds a dot or a colon, or is localhost. @throws ApiError 400
 */
export function parseReference(text: string): Reference {
  const fail = (why: string): never => {
    throw new ApiError(400, `invalid reference format: ${JSON.stringify(text.slice(0, 120))} ${why}`);
  };
  if (text === '' || text.length > LONGEST) fail(`must have 1 to ${LONGEST} characters`);
  const at = text.indexOf('@');
  const digest = at < 0 ? '' : text.slice(at + 1);
  if (at >= 0 && !DIGEST.test(digest)) fail('has a digest that is not sha256: and 64 hex digits');
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  const tag = hasTag ? named.slice(colon + 1) : digest === '' ? 'latest' : '';
  if (hasTag && !TAG.test(tag)) fail('has a tag that is not 1 to 128 letters, digits, dots, dashes or underscores');
  const repository = hasTag ? named.slice(0, colon) : named;
  const slash = repository.indexOf('/');
  const first = slash < 0 ? '' : repository.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const host = isHost && first !== 'index.docker.io' ? first : DEFAULT_HOST;
  const rest = isHost ? repository.slice(slash + 1) : repository;
  const path = host === DEFAULT_HOST && !rest.includes('/') ? `${OFFICIAL}${rest}` : rest;
  if (!/^[A-Za-z0-9.:[\]-]+$/.test(host)) fail('has a registry name with characters that no host has');
  if (!PATH.test(rest)) fail('must have a name of lower-case letters and digits, separated by . _ - or /');
  return { host, path, tag, digest };
}

export function referenceText({ host, path, tag, digest }: Reference): string {
  return `${host}/${path}${tag === '' ? '' : `:${tag}`}${digest === '' ? '' : `@${digest}`}`;
}

/** As people write it: docker.io/library/busybox:latest → busybox:latest. What is no reference stays as it is. */
export function familiarReference(normalised: string): string {
  const prefix = `${DEFAULT_HOST}/`;
  if (!normalised.startsWith(prefix)) return normalised;
  const path = normalised.slice(prefix.length);
  return path.startsWith(OFFICIAL) ? path.slice(OFFICIAL.length) : path;
}

/** Without tag and digest: `10.0.0.1:5000/x:1` → `10.0.0.1:5000/x`. */
export function repositoryOf(reference: string): string {
  const named = reference.split('@')[0] ?? '';
  const colon = named.lastIndexOf(':');
  return colon > named.lastIndexOf('/') ? named.slice(0, colon) : named;
}
