import type { FastifyInstance } from 'fastify';
import { ApiError } from '../http/api-error.ts';

/**
 * What Docker's clients look up although nobody made any: `docker inspect NAME` asks for a
 * volume and a plugin of that name before it says that there is none.
 */
export function builtInRoutes(app: FastifyInstance): void {
  app.get('/volumes', async (_request, reply) => reply.send({ Volumes: [], Warnings: [] }));
  app.get('/volumes/:name', async (request, _reply) => {
    throw new ApiError(404, `get ${(request.params as { name: string }).name}: no such volume`);
  });
  app.get('/plugins', async (_request, reply) => reply.send([]));
  app.get('/plugins/:name/json', async (request, _reply) => {
    throw new ApiError(404, `plugin ${JSON.stringify((request.params as { name: string }).name)} not found`);
  });
}
