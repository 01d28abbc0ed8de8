import type { FastifyInstance } from 'fastify';
import type { ImageDeleteItem, ImagesPruned } from '../../docker-api/types.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { rowsOf } from '../http/check.ts';
import { allOf, flagOf, type Query, textOf } from '../http/query.ts';
import { versionOf } from '../http/version.ts';
import { forOldClients, imageFilterOf, mergeImages, PEER_IMAGE_ROW } from '../images/list.ts';
import { noSuchImage } from '../images/names.ts';
import { pruneImages } from '../images/prune.ts';
import { pushImage } from '../images/push.ts';
import { removeImage } from '../images/remove.ts';
import { saveImages } from '../images/save.ts';
import { searchImages } from '../images/search.ts';
import { historyOf, imageAnswer, imageRow, type ImageRow } from '../images/shapes.ts';
import { tagImage } from '../images/tag.ts';
import { usersOf } from '../images/users.ts';
import { askAll } from '../instance/ask.ts';
import { nameSilent, scopeOf } from '../instance/scope.ts';

/** The first version whose clients take an image without a name as one. */
const NAMELESS_SINCE = 43;

/** Images of the instance. Names hold slashes, so a route per name ends in a wildcard. */
export function imageRoutes(app: FastifyInstance, context: ApiContext): void {
  const { backend } = context;

  app.get('/images/json', async (request, reply) => {
    const query = request.query as Query;
    const filter = imageFilterOf(query, backend.wallMs());
    const isShared = flagOf(query, 'shared-size');
    const usage = isShared ? await backend.images.usage() : undefined;
    const here = (await backend.images.list()).map((image) => imageRow(image, usage));
    if (scopeOf(request) === 'node') return filter.select(here);
    const asked = await askAll(backend, { path: `/images/json${isShared ? '?shared-size=1' : ''}` });
    const there = asked.answers.flatMap((answer) => rowsOf(PEER_IMAGE_ROW, answer.body) as unknown as ImageRow[]);
    nameSilent(reply, asked.silent);
    const rows = filter.select(mergeImages([...here, ...there]));
    return versionOf(request.originalUrl) < NAMELESS_SINCE ? rows.map(forOldClients) : rows;
  });

  app.get('/images/search', (request) => searchImages(request.query as Query));

  app.get('/images/get', async (request, reply) =>
    saveImages(context, allOf(request.query as Query, 'names'), scopeOf(request), request, reply),
  );

  app.get('/images/*', async (request, reply) => {
    const { name, verb } = splitPath(request.params);
    if (verb === 'get') return saveImages(context, [name], scopeOf(request), request, reply);
    if (verb !== 'json' && verb !== 'history') throw new ApiError(404, 'page not found');
    const here = await backend.images.inspect(name);
    if (here !== undefined) return verb === 'json' ? imageAnswer(here, usersOf(backend, here.digest)) : historyOf(here);
    if (scopeOf(request) === 'node') throw noSuchImage(name);
    const asked = await askAll(backend, {
      path: `/images/${encodeURIComponent(name)}/${verb}`,
      enough: (answer) => answer.status === 200,
    });
    const found = asked.answers.find((answer) => answer.status === 200);
    if (found !== undefined) return found.body;
    nameSilent(reply, asked.silent);
    throw noSuchImage(name);
  });

  app.post('/images/prune', async (request, reply): Promise<ImagesPruned> => {
    const { pruned, silent } = await pruneImages(context, request.query as Query, scopeOf(request));
    nameSilent(reply, silent);
    return pruned;
  });

  app.post('/images/*', async (request, reply) => {
    const { name, verb } = splitPath(request.params);
    const query = request.query as Query;
    const scope = scopeOf(request);
    if (verb === 'tag') {
      const silent = await tagImage(context, name, { repository: textOf(query, 'repo'), tag: textOf(query, 'tag'), scope });
      nameSilent(reply, silent);
      return reply.code(201).send();
    }
    if (verb !== 'push') throw new ApiError(404, 'page not found');
    await pushImage(context, { name, tag: textOf(query, 'tag'), scope }, request, reply);
    return reply;
  });

  app.delete('/images/*', async (request, reply): Promise<ImageDeleteItem[]> => {
    const name = (request.params as { '*': string })['*'];
    const force = flagOf(request.query as Query, 'force');
    const { items, silent } = await removeImage(context, name, force, scopeOf(request));
    nameSilent(reply, silent);
    return items;
  });
}

/** `docker.io/library/busybox/json` → name and what is asked of it. */
function splitPath(params: unknown): { readonly name: string; readonly verb: string } {
  const path = (params as { '*': string })['*'];
  const slash = path.lastIndexOf('/');
  return { name: path.slice(0, Math.max(0, slash)), verb: path.slice(slash + 1) };
}
