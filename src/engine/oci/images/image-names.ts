import { ImageError } from '../../port.ts';
import type { SavedImage } from './archive/save-archive.ts';
import type { ImageRecord, ImageRecords } from './image-records.ts';
import { formatReference, parseReference, type Reference, repositoryOf } from './reference.ts';

/**
 * The image that a user means: by digest or id, by reference, else by a prefix of its id or digest, in
 * Docker's order. @throws ImageError bad-reference where a prefix fits several images
 */
export function findImage(records: ImageRecords, nameOrId: string): ImageRecord | undefined {
  return byDigest(records, nameOrId) ?? byReference(records, nameOrId) ?? byPrefix(records, nameOrId);
}

/** Until the records are saved it holds for this process alone. @throws ImageError not-found, bad-reference */
export function pointTag(records: ImageRecords, nameOrId: string, reference: string): void {
  const target = parseReference(reference);
  if (target.digest !== undefined) throw new ImageError('bad-reference', `refusing to create a tag with a digest reference: ${reference}`);
  const record = findImage(records, nameOrId);
  if (record === undefined) throw new ImageError('not-found', `No such image: ${nameOrId}`);
  records.point(formatReference(target), record.digest);
}

/** The name as references are stored; undefined where it can't be one. */
export function referenceIn(name: string): string | undefined {
  const reference = tryParse(name);
  return reference && formatReference(reference);
}

/**
 * What `docker save` of these names holds: an image by its tag has that tag, by its repository all tags
 * of that repository, by id none. Names of one image come together. @throws ImageError not-found
 */
export function savedAs(records: ImageRecords, namesOrIds: readonly string[]): SavedImage[] {
  const saved = new Map<ImageRecord, Map<string, Reference>>();
  const add = (record: ImageRecord, references: readonly Reference[]): void => {
    const names = saved.get(record) ?? new Map<string, Reference>();
    for (const reference of references) if (reference.tag !== undefined) names.set(formatReference(reference), reference);
    saved.set(record, names);
  };
  for (const name of namesOrIds) {
    const tagged = byDigest(records, name) === undefined ? taggedBy(records, name) : [];
    for (const { record, reference } of tagged) add(record, [reference]);
    if (tagged.length > 0) continue;
    const record = findImage(records, name);
    if (record === undefined) throw new ImageError('not-found', `No such image: ${name}`);
    add(record, []);
  }
  return [...saved].map(([record, names]) => ({ record, references: [...names.values()] }));
}

/** Where else at the same registry this blob most likely is: repositories that images with it are known by. */
export function repositoriesWith(records: ImageRecords, blobDigest: string, target: Reference): string[] {
  const holders = records
    .all()
    .filter(({ layers, configDigest }) => [configDigest, ...layers.map((layer) => layer.digest)].includes(blobDigest));
  const known = holders.flatMap(({ digest }) => records.referencesOf(digest).map(parseReference));
  const paths = known.filter(({ domain, path }) => domain === target.domain && path !== target.path).map(({ path }) => path);
  return [...new Set(paths)];
}

/** By `name:tag`, or all tags of a repository that is named without one. */
function taggedBy(records: ImageRecords, name: string): { readonly record: ImageRecord; readonly reference: Reference }[] {
  const reference = tryParse(name);
  if (reference === undefined) return [];
  const isRepository = !name.slice(name.lastIndexOf('/') + 1).includes(':') && !name.includes('@');
  const found = records.references().filter((known) => {
    const { domain, path, tag } = parseReference(known);
    return domain === reference.domain && path === reference.path && tag !== undefined && (isRepository || tag === reference.tag);
  });
  return found.flatMap((known) => {
    const record = records.resolve(known);
    return record === undefined ? [] : [{ record, reference: parseReference(known) }];
  });
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
  const repository = repositoryOf(reference);
  const known = [...records.publishedOf(reference.digest), ...records.referencesOf(reference.digest).map(parseReference).map(repositoryOf)];
  return known.includes(repository) ? candidate : undefined;
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
