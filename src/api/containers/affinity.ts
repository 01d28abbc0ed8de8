import { type Affinity, LIMITS } from '../../core/model/index.ts';
import { assertNever } from '../../lib/assert.ts';
import { ApiError } from '../http/api-error.ts';
import { familiarReference, parseReference, referenceText } from '../images/reference.ts';
import { expressionText, type Form, parseExpression, wrong } from './expression.ts';

const LABEL = 'label:';
const ANY_TAG = ':*';

const FORM: Form = {
  says: 'an affinity is container==NAME, image==IMAGE, KEY==VALUE or label:KEY==VALUE of a container (!= to keep away; ==~ and !=~ for a wish; * for any text)',
  valueBytes: LIMITS.imageBytes,
};

/**
 * `container==web`, `image!=redis`, `com.example.tier==~front`, `label:container==x` where a label's key is
 * one of our words. An image is held in the form requests have it in: normalised, a missing tag as any.
 * @throws ApiError 400
 */
export function parseAffinity(text: string): Affinity {
  const { key, operator, value, soft } = parseExpression(text, FORM);
  const common = { operator, soft };
  if (key === 'container') return { ...common, subject: 'container', key: '', value: value.replace(/^\//, '') };
  if (key === 'image') return { ...common, subject: 'image', key: '', value: imageOf(value, text) };
  const label = key.startsWith(LABEL) ? key.slice(LABEL.length) : key;
  if (label === '') throw wrong(FORM, text);
  return { ...common, subject: 'label', key: label, value };
}

/** @throws ApiError 400 */
export function parseAffinities(texts: readonly string[]): Affinity[] {
  if (texts.length > LIMITS.affinities) {
    throw new ApiError(400, `a container may have at most ${LIMITS.affinities} affinities, got ${texts.length}`);
  }
  return texts.map(parseAffinity);
}

/** As people write it; parseAffinity reads it back to the same. */
export function affinityText({ subject, key, operator, value, soft }: Affinity): string {
  switch (subject) {
    case 'container':
      return expressionText({ key: 'container', operator, value, soft });
    case 'image':
      return expressionText({ key: 'image', operator, value: familiarGlob(value), soft });
    case 'label': {
      const needsWord = key === 'container' || key === 'image' || key.startsWith(LABEL);
      return expressionText({ key: needsWord ? `${LABEL}${key}` : key, operator, value, soft });
    }
    default:
      return assertNever(subject);
  }
}

function imageOf(value: string, text: string): string {
  try {
    return imageGlob(value);
  } catch (error) {
    throw error instanceof ApiError ? new ApiError(400, `${error.message}, in the affinity ${JSON.stringify(text.slice(0, 120))}`) : error;
  }
}

/** `redis` → docker.io/library/redis:*; `redis:7` and digests mean just that; globs are completed where they can be. @throws ApiError 400 */
function imageGlob(value: string): string {
  if (!value.includes('*')) {
    const reference = parseReference(value);
    const isTagged = reference.digest !== '' || /:[^/]*$/.test(value);
    return isTagged ? referenceText(reference) : `${referenceText({ ...reference, tag: '' })}${ANY_TAG}`;
  }
  const first = value.split('/')[0] ?? '';
  const isWhole = value.startsWith('*') || (value.includes('/') && (/[.:*]/.test(first) || first === 'localhost'));
  const named = isWhole ? value : `docker.io/${value.includes('/') ? '' : 'library/'}${value}`;
  return /:[^/]*$/.test(named) || named.endsWith('*') ? named : `${named}${ANY_TAG}`;
}

/** The shortest text that imageGlob completes to this. */
function familiarGlob(glob: string): string {
  const familiar = familiarReference(glob);
  const untagged = familiar.endsWith(ANY_TAG) ? familiar.slice(0, -ANY_TAG.length) : familiar;
  return [untagged, familiar].find((text) => completes(text, glob)) ?? glob;
}

function completes(text: string, glob: string): boolean {
  try {
    return imageGlob(text) === glob;
  } catch {
    return false;
  }
}
