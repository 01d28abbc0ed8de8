import type { ContainerId } from '../../model/index.ts';
import { LIMITS, shortId } from '../../model/index.ts';
import { utf8Clip } from '../../../lib/utf8.ts';

/** `web-3f2a9c01b7de`: what a container is called that lost its name to an older one. Never the name it had. */
export function newName(name: string, id: ContainerId): string {
  const suffix = `-${shortId(id)}`;
  const renamed = utf8Clip(name, LIMITS.longNameBytes - suffix.length) + suffix;
  return renamed === name ? id : renamed;
}
