import type { FastifyInstance } from 'fastify';
import { ApiError } from '../http/api-error.ts';

/**
 * What Docker's clients look up although nobody made any: `docker inspect NAME` asks for a
 * plugin of that name before it says that there is none, and `docker system prune` prunes the cache of a builder.
 */
export function builtInRoutes(app: FastifyInstance): void {
  app.post('/build/prune', async (_request, reply) => reply.send({ CachesDeleted: [], SpaceReclaimed: 0 }));
  app.get('/plugins', async (_request, reply) => reply.send([]));
  app.get('/plugins/:name/json', async (request, _reply) => {
    throw new ApiError(404, `plugin ${JSON.stringify((request.params as { name: string }).name)} not found`);
  });
}
