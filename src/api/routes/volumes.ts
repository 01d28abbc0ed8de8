import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { VolumeList, VolumesPruned } from '../../docker-api/types.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { readJson } from '../http/body.ts';
import { checked } from '../http/check.ts';
import { flagOf, type Query } from '../http/query.ts';
import { versionOf } from '../http/version.ts';
import { proxy } from '../instance/proxy.ts';
import { nameSilent, scopeOf } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';
import { createVolume, VOLUME_BODY } from '../volumes/create-volume.ts';
import { listVolumes } from '../volumes/list-volumes.ts';
import { locateVolume, noSuchVolume } from '../volumes/locate-volume.ts';
import { pruneVolumes } from '../volumes/prune-volumes.ts';
import { giveBack, removeVolumeHere } from '../volumes/remove-volume.ts';
import { volumeRow } from '../volumes/volume-row.ts';

/** Volumes of the instance. */
export function volumeRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get('/volumes', async (request, reply): Promise<VolumeList> => {
    const { list, silent } = await listVolumes(context, request.query as Query, scopeOf(request));
    nameSilent(reply, silent);
    return list;
  });

  app.post('/volumes/create', async (request, reply) => {
    const body = (await readJson(request.body as Readable | undefined, API_LIMITS.jsonBodyBytes)) ?? {};
    return createVolume(context, checked(VOLUME_BODY, body, 'the body'), scopeOf(request), request, reply);
  });

  app.post('/volumes/prune', async (request, reply): Promise<VolumesPruned> => {
    const options = { scope: scopeOf(request), version: versionOf(request.originalUrl) };
    const { pruned, silent } = await pruneVolumes(context, request.query as Query, options);
    nameSilent(reply, silent);
    return pruned;
  });

  app.get('/volumes/:name', async (request, reply) => {
    const { name } = request.params as { name: string };
    const found = await locateVolume(context, name, scopeOf(request));
    if (found.at === 'nowhere') throw noSuchVolume(name);
    if (found.at === 'here') return volumeRow(found.volume, context.backend.self());
    await proxy(context, found.node, `/volumes/${encodeURIComponent(name)}`, request, reply);
    return reply;
  });

  app.delete('/volumes/:name', async (request, reply) => {
    const { name } = request.params as { name: string };
    const force = flagOf(request.query as Query, 'force');
    try {
      const found = await locateVolume(context, name, scopeOf(request));
      if (found.at === 'peer') {
        await proxy(context, found.node, `/volumes/${encodeURIComponent(name)}?force=${force ? 1 : 0}`, request, reply);
        return reply;
      }
      if (found.at === 'here') await removeVolumeHere(context, name);
      else await giveBack(context, name);
    } catch (error) {
      // Docker: who forces it wants it gone, and it is.
      if (!(force && error instanceof ApiError && error.status === 404)) throw error;
    }
    return reply.code(204).send();
  });

  app.put('/volumes/:name', async () => {
    throw new ApiError(501, 'Caravela has no cluster volumes to update: a volume belongs to one node; make another one there');
  });
}
