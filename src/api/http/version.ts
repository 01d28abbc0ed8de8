import { MAX_API_VERSION, MIN_API_VERSION } from '../../docker-api/types.ts';
import { ApiError } from './api-error.ts';

const PREFIX = /^\/v(\d{1,3})\.(\d{1,3})(?=\/|$)/;

/** `/v1.41/info?x=1` → `/info?x=1`; every route works without a prefix, too. */
export function withoutVersion(url: string): string {
  return url.replace(PREFIX, '') || '/';
}

/** `/v1.41` of a URL that has it, else ''. */
export function versionPrefix(url: string): string {
  return PREFIX.exec(url)?.[0] ?? '';
}

/** The minor number a client speaks; ours where it names none. @throws ApiError 400, outside what we answer */
export function versionOf(url: string): number {
  const found = PREFIX.exec(url);
  if (found === null) return minorOf(MAX_API_VERSION);
  const [major, minor] = [Number(found[1]), Number(found[2])];
  if (major > 1 || minor > minorOf(MAX_API_VERSION)) {
    throw new ApiError(400, `client version ${major}.${minor} is too new. Maximum supported API version is ${MAX_API_VERSION}`);
  }
  if (isTooOld(url)) {
    throw new ApiError(
      400,
      `client version ${major}.${minor} is too old. Minimum supported API version is ${MIN_API_VERSION}, please upgrade your client to a newer version`,
    );
  }
  return minor;
}

/** Whether a client speaks a version from before those that we answer. */
export function isTooOld(url: string): boolean {
  const found = PREFIX.exec(url);
  if (found === null) return false;
  const [major, minor] = [Number(found[1]), Number(found[2])];
  return major < 1 || (major === 1 && minor < minorOf(MIN_API_VERSION));
}

const minorOf = (version: string): number => Number(version.split('.')[1]);
