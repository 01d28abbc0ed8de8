import { LIMITS } from '../../../core/model/index.ts';
import type { EndpointLink } from '../../../engine/port.ts';
import { ApiError } from '../../http/api-error.ts';

const ALIAS = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,252}$/;

/**
 * `--link`: `name` or `name:alias`, and as inspect writes it, `/name:/of/alias`. @throws ApiError 400
 */
export function parseLinks(words: readonly string[]): readonly EndpointLink[] {
  const links = new Map(words.map((word) => [word, linkOf(word)]));
  if (links.size <= LIMITS.endpointNames) return [...links.values()];
  throw new ApiError(400, `a container may have at most ${LIMITS.endpointNames} links on a network, got ${links.size}`);
}

/** As clients gave it. */
export const linkText = ({ container, alias }: EndpointLink): string => `${container}:${alias}`;

function linkOf(word: string): EndpointLink {
  const [name = '', path = name, ...more] = word.split(':');
  const [container, alias = ''] = [name.replace(/^\//, ''), path.split('/').at(-1)];
  if (more.length > 0 || !ALIAS.test(container) || !ALIAS.test(alias)) {
    throw new ApiError(400, `bad format for links: ${JSON.stringify(word.slice(0, 80))} is not as "db" or "db:database"`);
  }
  return { container, alias };
}
