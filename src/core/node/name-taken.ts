import { shortId } from '../model/index.ts';
import type { CoreError, NameHolder, NodeId } from '../model/index.ts';

/** Why a container can't have a name. */
export function nameTaken(name: string, { containerId, node }: NameHolder, nameOf: (id: NodeId) => string): CoreError {
  const message = `the name ${name} is taken by container ${shortId(containerId)} on ${nameOf(node)}: remove that one, or take another name`;
  return { code: 'name-taken', message, changed: false };
}
