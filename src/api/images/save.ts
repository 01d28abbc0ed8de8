import type { FastifyReply, FastifyRequest } from 'fastify';
import { ImageError } from '../../engine/port.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { goneSignal } from '../http/pump.ts';
import { proxy } from '../instance/proxy.ts';
import type { Scope } from '../instance/scope.ts';
import { askHolders, type HeldImage } from './holders.ts';
import { normalise, noSuchImage } from './names.ts';
import { repositoryOf } from './reference.ts';

/** Names in one archive. */
const NAMES = 256;

/**
 * One archive of images: made here where all are here, else by one node that has all, else here with what is missing
 * brought from the nodes that have it. @throws ApiError 400, 404
 */
export async function saveImages(
  context: ApiContext,
  names: readonly string[],
  scope: Scope,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (names.length === 0 || names.length > NAMES) throw new ApiError(400, `names must be 1 to ${NAMES} images, got ${names.length}`);
  const { signal } = goneSignal(reply.raw);
  const missing = await missingHere(context, names);
  if (missing.length > 0) {
    const [first = ''] = missing;
    if (scope === 'node') throw noSuchImage(first);
    const holders = new Map<string, readonly HeldImage[]>();
    for (const name of missing) {
      const found = (await askHolders(context, name)).holders;
      if (found.length === 0) throw noSuchImage(name);
      holders.set(name, found);
    }
    const all = missing.length < names.length ? undefined : hasAll([...holders.values()]);
    if (all !== undefined) {
      const query = names.map((name) => `names=${encodeURIComponent(name)}`).join('&');
      await proxy(context, all.member.id, `/images/get?${query}`, request, reply);
      return reply;
    }
    for (const [name, [holder]] of holders) if (holder !== undefined) await bring(context, name, holder, signal);
  }
  const archive = await context.backend.images.save(names, signal);
  for (const name of names) {
    const id = (await context.backend.images.inspect(name))?.id ?? name;
    context.note({ type: 'image', action: 'save', id, attributes: { name } });
  }
  return reply.type('application/x-tar').send(archive);
}

/** A repository without a tag stands for all its tags. */
async function missingHere({ backend }: ApiContext, names: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(names.map((name) => backend.images.inspect(name)));
  const repositories = new Set((await backend.images.list()).flatMap(({ references }) => references.map(repositoryOf)));
  const isRepository = (name: string): boolean => repositoryOf(name) === name && repositories.has(repositoryOf(normalise(name) ?? ''));
  return names.filter((name, at) => found[at] === undefined && !isRepository(name));
}

function hasAll(holders: readonly (readonly HeldImage[])[]): HeldImage | undefined {
  return holders[0]?.find(({ member }) => holders.every((found) => found.some((each) => each.member.id === member.id)));
}

async function bring(context: ApiContext, name: string, { member, image }: HeldImage, signal: AbortSignal): Promise<void> {
  const { Digest, References } = image.Caravela;
  const wanted = normalise(name);
  const reference = wanted !== undefined && References.includes(wanted) ? wanted : (References[0] ?? Digest);
  try {
    await context.backend.exchange.bring({ reference, digest: Digest }, signal);
  } catch (error) {
    if (!(error instanceof ImageError) || error.code !== 'no-platform') throw error;
    throw new ApiError(404, `${error.message}; save ${name} by itself, or at node ${member.name}, which has it`);
  }
}
