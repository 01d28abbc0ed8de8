import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ImageDeleteItem } from '../../docker-api/types.ts';
import type { ImageDetails } from '../../engine/port.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { rowsOf } from '../http/check.ts';
import { goneSignal } from '../http/pump.ts';
import { flagOf, type Query, textOf } from '../http/query.ts';
import { familiarReference, parseReference, referenceText } from '../images/reference.ts';
import { imageFiltersOf, imageIsMeant, mergeImages, PEER_IMAGE_ROW } from '../images/list.ts';
import { ProgressStream } from '../images/progress-stream.ts';
import { credentialsOf } from '../images/registry-auth.ts';
import { noSuchImage } from '../images/resolve.ts';
import { historyOf, imageAnswer, imageRow, type ImageRow } from '../images/shapes.ts';
import { askAll } from '../instance/ask.ts';
import { nameSilent, scopeOf } from '../instance/scope.ts';
import { removeImage } from '../images/remove.ts';

/** images, pull, load, rmi. Names hold slashes, so a route per name ends in a wildcard. */
export function imageRoutes(app: FastifyInstance, context: ApiContext): void {
  const { backend } = context;

  app.get('/images/json', async (request, reply) => {
    const filters = imageFiltersOf(request.query as Query);
    const here = (await backend.images.list()).map(imageRow);
    if (scopeOf(request) === 'node') return here.filter((row) => imageIsMeant(row, filters));
    const asked = await askAll(backend, { path: '/images/json' });
    const there = asked.answers.flatMap((answer) => rowsOf(PEER_IMAGE_ROW, answer.body) as unknown as ImageRow[]);
    nameSilent(reply, asked.silent);
    return mergeImages([...here, ...there]).filter((row) => imageIsMeant(row, filters));
  });

  app.get('/images/*', async (request, reply) => {
    const { name, verb } = splitPath(request);
    if (verb === 'get') throw new ApiError(501, `Caravela can't save images to an archive yet: ${name}`);
    if (verb !== 'json' && verb !== 'history') throw new ApiError(404, 'page not found');
    const here = await backend.images.inspect(name);
    if (here !== undefined) return verb === 'json' ? imageAnswer(here) : historyOf(here);
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

  app.post('/images/create', async (request, reply) => {
    const query = request.query as Query;
    if (textOf(query, 'fromSrc') !== '') throw new ApiError(501, 'Caravela can’t import a file system as an image yet; use load');
    const reference = pullReference(textOf(query, 'fromImage'), textOf(query, 'tag'));
    await pull(context, reference, request, reply);
    return reply;
  });

  app.post('/images/load', async (request, reply) => {
    const archive = request.body as Readable | undefined;
    if (archive === undefined) throw new ApiError(400, 'the body must be an image archive (docker save, or an OCI layout), got none');
    const quiet = flagOf(request.query as Query, 'quiet');
    const leave = context.enter();
    const stream = new ProgressStream(reply);
    try {
      const images = await backend.images.load(archive, (progress) => {
        if (!quiet) stream.progress(progress);
      });
      for (const text of images.flatMap(loadedTexts)) stream.line({ stream: `${text}\n` });
      stream.end();
    } catch (error) {
      stream.fail(error);
      stream.end();
    } finally {
      leave();
    }
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

/** Pulls here. A client that hangs up stops it. */
async function pull(context: ApiContext, reference: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const credentials = credentialsOf(request.headers['x-registry-auth']);
  const leave = context.enter();
  const stream = new ProgressStream(reply);
  const gone = goneSignal(reply.raw).signal;
  try {
    await context.backend.images.pull(reference, {
      credentials,
      signal: gone,
      onProgress: (progress) => stream.progress(progress),
    });
    stream.end();
  } catch (error) {
    stream.fail(error);
    stream.end();
  } finally {
    leave();
  }
}

/** fromImage with tag, which may be a digest. @throws ApiError 400 */
function pullReference(image: string, tag: string): string {
  if (image === '') throw new ApiError(400, 'fromImage must name an image, got nothing');
  const joined = tag === '' ? image : tag.startsWith('sha256:') ? `${image}@${tag}` : `${image}:${tag}`;
  return referenceText(parseReference(joined));
}

function loadedTexts({ id, references }: ImageDetails): readonly string[] {
  return references.length === 0 ? [`Loaded image ID: ${id}`] : references.map((each) => `Loaded image: ${familiarReference(each)}`);
}

/** `docker.io/library/busybox/json` → name and what is asked of it. */
function splitPath(request: FastifyRequest): { readonly name: string; readonly verb: string } {
  const path = (request.params as { '*': string })['*'];
  const slash = path.lastIndexOf('/');
  return { name: path.slice(0, Math.max(0, slash)), verb: path.slice(slash + 1) };
}
