import { ImageError, type ImageRemoval } from '../../port.ts';
import { shortDigest } from './digest.ts';
import { findImage, referenceIn } from './image-names.ts';
import type { ImageRecords } from './image-records.ts';
import { familiarReference, parseReference } from './reference.ts';

/**
 * Docker's rmi on the records: a name is taken away, and with its last name the image goes. What is in
 * use stays: refused, or with `force` only untagged.
 * @param usersOf who uses an image, in words @throws ImageError not-found, in-use; then nothing has changed
 */
export function removeImage(
  records: ImageRecords,
  nameOrId: string,
  force: boolean,
  usersOf: (digest: string) => readonly string[],
): readonly ImageRemoval[] {
  const record = findImage(records, nameOrId);
  if (record === undefined) throw new ImageError('not-found', `No such image: ${nameOrId}`);
  const references = records.referencesOf(record.digest);
  const named = references.find((reference) => reference === referenceIn(nameOrId));
  if (named !== undefined && references.length > 1) {
    records.unpoint(named);
    return [{ untagged: familiar(named) }];
  }
  const short = shortDigest(record.configDigest);
  if (repositoriesOf(references).size > 1 && !force) {
    throw new ImageError(
      'in-use',
      `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories: ${references.map(familiar).join(', ')}; remove them by name, or use force`,
    );
  }
  const users = usersOf(record.digest);
  if (users.length > 0 && (!force || references.length === 0)) {
    const used = users.join(', ');
    const why =
      named !== undefined
        ? `unable to remove repository reference "${familiar(named)}" (must force) - ${used} is using its referenced image ${short}`
        : `unable to delete ${short} (${force ? 'cannot be forced' : 'must be forced'}) - image is being used by ${used}`;
    throw new ImageError('in-use', `conflict: ${why}; remove what uses it first${references.length > 0 ? ', or force to untag it' : ''}`);
  }
  const untagged = references.map((reference) => ({ untagged: familiar(reference) }));
  if (users.length > 0) {
    for (const reference of references) records.unpoint(reference);
    return untagged;
  }
  records.remove(record.digest);
  return [...untagged, { deleted: record.configDigest }];
}

function familiar(reference: string): string {
  return familiarReference(parseReference(reference));
}

function repositoriesOf(references: readonly string[]): Set<string> {
  return new Set(references.map(parseReference).map(({ domain, path }) => `${domain}/${path}`));
}
