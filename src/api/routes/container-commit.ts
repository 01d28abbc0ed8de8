import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Container } from '../../core/model/index.ts';
import { COMMIT_BODY, committedConfig } from '../containers/committed-config.ts';
import { specOf } from '../containers/facts.ts';
import type { ApiContext } from '../context.ts';
import { ApiError, fromCoreError } from '../http/api-error.ts';
import { jsonOf } from '../http/body.ts';
import { checked } from '../http/check.ts';
import { goneSignal } from '../http/pump.ts';
import { allOf, flagOf, type Query, textOf } from '../http/query.ts';
import { familiarReference, parseReference, referenceText } from '../images/reference.ts';
import { tagElsewhere } from '../images/tag.ts';
import { locate } from '../instance/locate.ts';
import { proxy } from '../instance/proxy.ts';
import { scopeOf } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';

/** `POST /commit`: what a container wrote becomes an image, on the container's node. */
export function containerCommitRoute(app: FastifyInstance, context: ApiContext): void {
  app.post('/commit', async (request, reply) => {
    const word = textOf(request.query as Query, 'container');
    if (word === '') throw new ApiError(400, 'container must name the container to make an image of, got nothing');
    const found = await locate(context, word, scopeOf(request));
    if (found.at === 'here') return commit(context, request, reply, found.container);
    await proxy(context, found.node, request.url.replace(/([?&]container=)[^&]*/, `$1${found.id}`), request, reply);
    return reply;
  });
}

async function commit(context: ApiContext, request: FastifyRequest, reply: FastifyReply, container: Container): Promise<FastifyReply> {
  const { backend } = context;
  const query = request.query as Query;
  const [repository, tag, author, comment] = ['repo', 'tag', 'author', 'comment'].map((key) => textOf(query, key));
  const reference = referenceOf(repository ?? '', tag ?? '');
  const body = checked(COMMIT_BODY, (await jsonOf(request, API_LIMITS.jsonBodyBytes)) ?? {}, 'the body');
  const { config, createdBy } = await committedConfig(backend, container, body, allOf(query, 'changes'));
  const { containerId } = container.request;
  const gone = goneSignal(reply.raw).signal;
  const isPausing = textOf(query, 'pause') === '' || flagOf(query, 'pause');
  const image = await whilePaused(context, container, isPausing, async () => {
    const layer = await backend.access.exportLayer(containerId, gone);
    const wish = { reference, author: author ?? '', comment: comment ?? '', config, createdBy };
    return backend.images.commit(specOf(container).image.digest, layer, wish, gone);
  });
  if (reference !== '') await tagElsewhere(context, image.digest, repository ?? '', tag ?? '');
  const name = familiarReference(reference);
  const attributes = { comment: comment ?? '', imageID: image.id, imageRef: name };
  context.note({ type: 'container', action: 'commit', id: containerId, attributes });
  if (name !== '') context.note({ type: 'image', action: 'tag', id: image.id, attributes: { name } });
  return reply.code(201).send({ Id: image.id });
}

/** '' for none. @throws ApiError 400 */
const referenceOf = (repository: string, tag: string): string =>
  repository === '' ? '' : referenceText(parseReference(tag === '' ? repository : `${repository}:${tag}`));

/** So that what it writes is of one moment. */
async function whilePaused<T>({ backend }: ApiContext, container: Container, isPausing: boolean, work: () => Promise<T>): Promise<T> {
  const { containerId } = container.request;
  const isToBePaused = isPausing && container.task?.state === 'running' && container.task.paused !== true;
  if (!isToBePaused) return work();
  const paused = await backend.command({ kind: 'pause', containerId });
  // One that has ended meanwhile writes nothing any more.
  if (!paused.ok && paused.error.code !== 'wrong-state') throw fromCoreError(paused.error);
  try {
    return await work();
  } finally {
    if (paused.ok) await backend.command({ kind: 'unpause', containerId });
  }
}
