import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Member } from '../../core/model/index.ts';
import { UNREACHABLE_HEADER } from '../../docker-api/caravela-types.ts';

/** A request with this header asks one node about itself; without it, the whole instance. */
export const SCOPE_HEADER = 'caravela-scope';
export type Scope = 'node' | 'instance';

export const scopeOf = (request: FastifyRequest): Scope => (request.headers[SCOPE_HEADER] === 'node' ? 'node' : 'instance');

/** Says on a list which nodes it lacks. */
export function nameSilent(reply: FastifyReply, silent: readonly Member[]): void {
  if (silent.length > 0) reply.header(UNREACHABLE_HEADER, namesOf(silent));
}

/** `node-2, node-7`; at most 32 names. One that died while it was asked is named once. */
export function namesOf(members: readonly Member[]): string {
  const names = [...new Map(members.map((m) => [m.id, m.name])).values()].sort();
  return names.length > 32 ? `${names.slice(0, 32).join(', ')} and ${names.length - 32} more` : names.join(', ');
}
