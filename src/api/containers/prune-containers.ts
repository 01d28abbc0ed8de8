import { Array as ArrayOf, Integer, Null, Object as ObjectOf, String as StringOf, Union } from 'typebox';
import { Check } from 'typebox/schema';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ContainersPruned } from '../../docker-api/types.ts';
import type { ApiContext } from '../context.ts';
import { notePruned } from '../events/note-pruned.ts';
import { pruneFilterOf } from '../http/prune-filter.ts';
import type { Query } from '../http/query.ts';
import { askAll, deadMembers } from '../instance/ask.ts';
import { nameSilent, scopeOf } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';
import { factsOf } from './facts.ts';
import { isUnderWay, statusOf } from './status.ts';

const PRUNED = ObjectOf({ ContainersDeleted: Union([ArrayOf(StringOf()), Null()]), SpaceReclaimed: Integer({ minimum: 0 }) });

/** `POST /containers/prune`: removes what does not run, on all nodes. @throws ApiError 400 */
export async function pruneContainers(context: ApiContext, request: FastifyRequest, reply: FastifyReply): Promise<ContainersPruned> {
  const { backend } = context;
  const query = request.query as Query;
  pruneFilterOf(query, backend.wallMs());
  if (scopeOf(request) === 'node') return pruneHere(context, query);
  const [here, asked] = await Promise.all([
    pruneHere(context, query),
    askAll(backend, { method: 'POST', path: request.url, deadlineMs: API_LIMITS.pruneDeadlineMs }),
  ]);
  const there = asked.answers.flatMap(({ body }) => (Check(PRUNED, body) ? [body] : []));
  nameSilent(reply, [...asked.silent, ...deadMembers(backend)]);
  const deleted = [here, ...there].flatMap(({ ContainersDeleted }) => ContainersDeleted ?? []);
  const reclaimed = [here, ...there].reduce((sum, { SpaceReclaimed }) => sum + SpaceReclaimed, 0);
  notePruned(context, 'instance', 'container', reclaimed);
  return { ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed };
}

async function pruneHere(context: ApiContext, query: Query): Promise<ContainersPruned> {
  const { backend } = context;
  const { untilMs = Infinity, isMeant } = pruneFilterOf(query, backend.wallMs());
  const deleted: string[] = [];
  let bytes = 0;
  for (const container of backend.containers()) {
    const { containerId } = container.request;
    const isIdle = !isUnderWay(container) && statusOf(container) !== 'removing' && container.readiness !== 'preparing';
    if (!isIdle || container.createdAtMs >= untilMs) continue;
    const { details } = await factsOf(backend, container);
    if (!isMeant(details.labels)) continue;
    const { writtenBytes } = await backend.access.sizes(containerId).catch(() => ({ writtenBytes: 0 }));
    const removed = await backend.command({ kind: 'remove', containerId, force: false });
    // Somebody started it, or was quicker: that is no failure of the others.
    if (!removed.ok) continue;
    deleted.push(containerId);
    bytes += writtenBytes;
  }
  return { ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: bytes };
}
