import { createHash } from 'node:crypto';

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Whether this is `sha256:` and 64 lower-case hex digits: the only algorithm registries use, and safe as a file name. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

export function sha256Digest(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function hexOf(digest: string): string {
  return digest.slice('sha256:'.length);
}

/** Docker's twelve digits, for progress lines. */
export function shortDigest(digest: string): string {
  return hexOf(digest).slice(0, 12);
}
