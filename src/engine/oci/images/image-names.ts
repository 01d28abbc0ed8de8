import { ImageError } from '../../port.ts';
import type { ImageRecord, ImageRecords } from './image-records.ts';
import { formatReference, parseReference, type Reference } from './reference.ts';

/**
 * The image that a user means: by digest or id, by reference, else by a prefix of its id or digest, in
 * Docker's order. @throws ImageError bad-reference where a prefix fits several images
 */
export function findImage(records: ImageRecords, nameOrId: string): ImageRecord | undefined {
  return byDigest(records, nameOrId) ?? byReference(records, nameOrId) ?? byPrefix(records, nameOrId);
}

/** The name as references are stored; undefined where it can't be one. */
export function referenceIn(name: string): string | undefined {
  const reference = tryParse(name);
  return reference && formatReference(reference);
}

function byDigest(records: ImageRecords, text: string): ImageRecord | undefined {
  return records.get(text) ?? records.all().find(({ configDigest }) => configDigest === text);
}

function byReference(records: ImageRecords, name: string): ImageRecord | undefined {
  const reference = tryParse(name);
  if (reference === undefined) return undefined;
  const record = records.resolve(formatReference(reference));
  if (record !== undefined || reference.digest === undefined) return record;
  const candidate = records.get(reference.digest);
  const repository = `${reference.domain}/${reference.path}`;
  const isKnownThere = records.referencesOf(reference.digest).some((known) => /^(.*?)(@|:[^/:]*$)/.exec(known)?.[1] === repository);
  return isKnownThere ? candidate : undefined;
}

function byPrefix(records: ImageRecords, text: string): ImageRecord | undefined {
  const prefix = text.replace(/^sha256:/, '');
  if (!/^[0-9a-f]{1,64}$/.test(prefix)) return undefined;
  const wanted = `sha256:${prefix}`;
  const found = records.all().filter(({ digest, configDigest }) => digest.startsWith(wanted) || configDigest.startsWith(wanted));
  const ids = new Set(found.map(({ configDigest }) => configDigest));
  if (ids.size > 1) throw new ImageError('bad-reference', `"${text}" is the beginning of ${ids.size} image ids: give more digits`);
  return found[0];
}

function tryParse(name: string): Reference | undefined {
  try {
    return parseReference(name);
  } catch {
    return undefined;
  }
}
