import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ImageDetails, ImageError } from '../../engine/port.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { goneSignal } from '../http/pump.ts';
import { flagOf, type Query, textOf } from '../http/query.ts';
import { importImage } from '../images/import.ts';
import { platformOf } from '../images/platform.ts';
import { ProgressStream } from '../images/progress-stream.ts';
import { familiarReference, parseReference, referenceText } from '../images/reference.ts';
import { credentialsOf } from '../images/registry-auth.ts';

/** How images come to the node that is asked: pull, import, load. */
export function imageArrivalRoutes(app: FastifyInstance, context: ApiContext): void {
  app.post('/images/create', async (request, reply) => {
    const query = request.query as Query;
    if (textOf(query, 'fromSrc') === '') await pull(context, request, reply);
    else await importImage(context, request, reply);
    return reply;
  });

  app.post('/images/load', async (request, reply) => {
    const archive = request.body as Readable | undefined;
    if (archive === undefined) throw new ApiError(400, 'the body must be an image archive (docker save, or an OCI layout), got none');
    const quiet = flagOf(request.query as Query, 'quiet');
    const leave = context.enter();
    const stream = new ProgressStream(reply);
    try {
      const images = await context.backend.images.load(archive, (progress) => {
        if (!quiet) stream.progress(progress);
      });
      for (const { id } of images) context.note({ type: 'image', action: 'load', id, attributes: { name: id } });
      for (const text of images.flatMap(loadedTexts)) stream.line({ stream: `${text}\n` });
    } catch (error) {
      stream.failInLine(error);
    } finally {
      leave();
    }
    stream.end();
    return reply;
  });
}

/** Pulls here. A client that hangs up stops it. */
async function pull(context: ApiContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const query = request.query as Query;
  const reference = pullReference(textOf(query, 'fromImage'), textOf(query, 'tag'));
  const platform = platformOf(textOf(query, 'platform'));
  const credentials = credentialsOf(request.headers['x-registry-auth']);
  const leave = context.enter();
  const stream = new ProgressStream(reply);
  const { signal } = goneSignal(reply.raw);
  const onProgress = stream.progress.bind(stream);
  try {
    await context.backend.exchange.pull(reference, { ...(platform && { platform }), credentials, signal, onProgress });
    const name = familiarReference(reference);
    context.note({ type: 'image', action: 'pull', id: name, attributes: { name } });
  } catch (error) {
    stream.fail(notFoundIfDenied(error));
  } finally {
    leave();
  }
  stream.end();
}

/** Docker's: a registry that denies a pull does not tell whether it has the repository, and clients take it for missing. */
function notFoundIfDenied(error: unknown): unknown {
  return error instanceof ImageError && error.code === 'denied' ? new ApiError(404, error.message) : error;
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
