import { ApiError } from '../http/api-error.ts';
import { parseReference, referenceText } from './reference.ts';

/** Of an image, or a part of one: no reference, though a repository may look like one. */
export const isId = (name: string): boolean => /^(sha256:)?[0-9a-f]{4,64}$/.test(name);

/** Docker's words: its client pulls after them. */
export function noSuchImage(name: string): ApiError {
  const text = isId(name) ? name : withTag(name);
  return new ApiError(404, `No such image: ${text}`);
}

/** undefined: no reference. */
export function normalise(name: string): string | undefined {
  try {
    return referenceText(parseReference(name));
  } catch {
    return undefined;
  }
}

/** What `tag`, `import` and `commit` call an image by; '' for nothing. @throws ApiError 400 */
export function newName(repository: string, tag: string): string {
  if (repository === '') {
    if (tag === '') return '';
    throw new ApiError(400, `invalid reference format: a tag (${tag.slice(0, 128)}) needs a repository`);
  }
  if (repository.includes('@')) throw new ApiError(400, 'refusing to create a tag with a digest reference');
  const reference = parseReference(tag === '' ? repository : `${repository}:${tag}`);
  if (reference.path === 'library/sha256') throw new ApiError(400, 'refusing to create an ambiguous tag using digest algorithm as name');
  return referenceText(reference);
}

const withTag = (name: string): string => (/[:@][^/]*$/.test(name) ? name : `${name}:latest`);
