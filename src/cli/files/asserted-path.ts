import { posix } from 'node:path';

/** A path, and what the way it is written says of the thing there. */
export interface AssertedPath {
  /** Absolute and normal. */
  readonly path: string;
  /** It ends in `/.`: what is in the directory, rather than it. */
  readonly contents: boolean;
  /** It ends in `/` or `/.`. */
  readonly directory: boolean;
}

/** @param base what a relative path is relative to */
export function assertedPath(text: string, base: string): AssertedPath {
  const contents = /(^|\/)\.$/.test(text);
  return { path: normal(posix.resolve(base, text)), contents, directory: contents || text.endsWith('/') };
}

/** With the ending that tells the daemon the same. */
export function written({ path, contents, directory }: AssertedPath): string {
  const slash = path === '/' ? '' : '/';
  return contents ? `${path}${slash}.` : directory ? `${path}${slash}` : path;
}

const normal = (path: string): string => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path);
