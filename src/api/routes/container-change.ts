import type { FastifyInstance } from 'fastify';
import { claimName, nameConflict } from '../containers/claim-name.ts';
import { checkName } from '../containers/create-request.ts';
import { pruneContainers } from '../containers/prune-containers.ts';
import { UPDATE_BODY, updated } from '../containers/update.ts';
import type { ApiContext } from '../context.ts';
import { ApiError, fromCoreError } from '../http/api-error.ts';
import { jsonOf } from '../http/body.ts';
import { checked } from '../http/check.ts';
import { type Query, textOf } from '../http/query.ts';
import { versionOf } from '../http/version.ts';
import { API_LIMITS } from '../limits.ts';
import { onContainer } from './on-container.ts';

/** The API version since which an update changes the limit of processes. */
const PIDS_LIMIT_SINCE = 40;

/** pause, unpause, rename, update, prune. */
export function containerChangeRoutes(app: FastifyInstance, context: ApiContext): void {
  const { backend } = context;

  for (const kind of ['pause', 'unpause'] as const) {
    app.post(
      `/containers/:name/${kind}`,
      onContainer(context, async (_request, reply, { request: { containerId }, task }) => {
        if (task?.state !== 'running') throw new ApiError(409, `Container ${containerId} is not running`);
        const paused = task.paused ?? false;
        if (paused && kind === 'pause') throw new ApiError(409, `Container ${containerId} is already paused`);
        if (!paused && kind === 'unpause') throw new ApiError(500, `Container ${containerId} is not paused`);
        const result = await backend.command({ kind, containerId });
        if (!result.ok) throw fromCoreError(result.error);
        return reply.code(204).send();
      }),
    );
  }

  app.post(
    '/containers/:name/rename',
    onContainer(context, async (request, reply, container) => {
      const asked = textOf(request.query as Query, 'name');
      if (asked === '') throw new ApiError(400, 'Neither old nor new names may be empty: name must say the new one');
      const wanted = checkName(asked);
      if (wanted === container.name) throw new ApiError(400, 'Renaming a container with the same name as its current name');
      const name = await claimName(context, wanted);
      try {
        const result = await backend.command({ kind: 'rename', containerId: container.request.containerId, name });
        if (!result.ok) {
          throw result.error.code === 'name-taken' ? nameConflict(name, result.holder?.containerId) : fromCoreError(result.error);
        }
      } finally {
        context.claimedNames.delete(name);
      }
      return reply.code(204).send();
    }),
  );

  app.post(
    '/containers/:name/update',
    onContainer(context, async (request, _reply, container) => {
      const body = checked(UPDATE_BODY, (await jsonOf(request, API_LIMITS.jsonBodyBytes)) ?? {}, 'the body');
      // A limit of processes is changed only by clients of a version that knows it to be changed.
      const known = versionOf(request.originalUrl) < PIDS_LIMIT_SINCE ? { ...body, PidsLimit: null } : body;
      const { warnings, ...change } = updated(container, known);
      const result = await backend.command({ kind: 'update', containerId: container.request.containerId, ...change });
      if (!result.ok) throw fromCoreError(result.error);
      return { Warnings: warnings };
    }),
  );

  app.post('/containers/prune', async (request, reply) => pruneContainers(context, request, reply));
}
