import type { FastifyReply, FastifyRequest } from 'fastify';
import type { NodeId } from '../../core/model/index.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { rowsOf } from '../http/check.ts';
import { goneSignal } from '../http/pump.ts';
import { askAll } from '../instance/ask.ts';
import { proxy } from '../instance/proxy.ts';
import type { Scope } from '../instance/scope.ts';
import { askHolders } from './holders.ts';
import { PEER_IMAGE_ROW } from './list.ts';
import { ProgressStream } from './progress-stream.ts';
import { familiarReference, parseReference, type Reference, referenceText, repositoryOf } from './reference.ts';
import { credentialsOf } from './registry-auth.ts';

/**
 * Sends an image, or with no tag all of a repository, to its registry: from here, else from a node that has it, which is
 * told the client's credentials for it. What the registry makes of it is said in the answer's stream, as by Docker. @throws ApiError 400, 404
 */
export async function pushImage(
  context: ApiContext,
  wanted: { readonly name: string; readonly tag: string; readonly scope: Scope },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { name, tag, scope } = wanted;
  const repository = repositoryNamed(name);
  const references = await referencesHere(context, repository, tag);
  if (references.length > 0) return pushHere(context, references, request, reply);
  const holder = scope === 'node' ? undefined : await holderOf(context, repository, tag);
  if (holder === undefined) {
    throw new ApiError(404, `An image does not exist locally with the tag: ${familiarReference(repositoryText(repository))}`);
  }
  await proxy(context, holder, `/images/${encodeURIComponent(name)}/push?tag=${encodeURIComponent(tag)}`, request, reply);
}

/** @throws ApiError 400 */
function repositoryNamed(name: string): Reference {
  if (name.includes('@')) throw new ApiError(400, 'cannot push a digest reference');
  const reference = parseReference(name);
  if (repositoryOf(name) !== name)
    throw new ApiError(400, `the tag goes into the query: push ${repositoryOf(name)} with tag=${reference.tag}`);
  return reference;
}

const repositoryText = ({ host, path }: Reference): string => `${host}/${path}`;

async function referencesHere({ backend }: ApiContext, repository: Reference, tag: string): Promise<readonly string[]> {
  if (tag !== '') {
    const reference = referenceText(parseReference(`${repositoryText(repository)}:${tag}`));
    return (await backend.images.inspect(reference)) === undefined ? [] : [reference];
  }
  const all = (await backend.images.list()).flatMap(({ references }) => references);
  return all.filter((each) => !each.includes('@') && repositoryOf(each) === repositoryText(repository)).sort();
}

async function holderOf(context: ApiContext, repository: Reference, tag: string): Promise<NodeId | undefined> {
  const text = repositoryText(repository);
  if (tag !== '') return (await askHolders(context, `${text}:${tag}`, { any: true })).holders[0]?.member.id;
  // Whoever has most of its tags: all of them are on one node where all were made there.
  const { answers } = await askAll(context.backend, { path: '/images/json' });
  const tags = ({ body }: { readonly body: unknown }): number =>
    rowsOf(PEER_IMAGE_ROW, body).flatMap(({ RepoTags }) => RepoTags.filter((each) => repositoryOf(each) === familiarReference(text)))
      .length;
  const best = answers.map((answer) => ({ id: answer.member.id, tags: tags(answer) })).sort((a, b) => b.tags - a.tags)[0];
  return best !== undefined && best.tags > 0 ? best.id : undefined;
}

async function pushHere(context: ApiContext, references: readonly string[], request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const credentials = credentialsOf(request.headers['x-registry-auth']);
  const leave = context.enter();
  const stream = new ProgressStream(reply);
  const { signal } = goneSignal(reply.raw);
  try {
    for (const reference of references) {
      const { tag } = parseReference(reference);
      const onProgress = stream.progress.bind(stream);
      const { digest, sizeBytes } = await context.backend.images.push(reference, { credentials, onProgress, signal });
      stream.line({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: sizeBytes } });
      const name = familiarReference(reference);
      context.note({ type: 'image', action: 'push', id: name, attributes: { name: familiarReference(repositoryOf(reference)) } });
    }
  } catch (error) {
    stream.failInLine(error);
  } finally {
    leave();
  }
  stream.end();
}
