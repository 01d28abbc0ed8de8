import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Readable } from 'node:stream';
import type { Request, Result } from '../../core/model/index.ts';
import type { ContainerCreateResponse } from '../../docker-api/types.ts';
import { CREATE_BODY } from '../containers/create-body.ts';
import { checkCreate, checkName, requestOf } from '../containers/create-request.ts';
import { randomName } from '../containers/random-name.ts';
import type { ApiContext } from '../context.ts';
import { ApiError, fromCoreError } from '../http/api-error.ts';
import { readJson } from '../http/body.ts';
import { checked } from '../http/check.ts';
import { type Query, textOf } from '../http/query.ts';
import { resolveImage } from '../images/resolve.ts';
import { holdersOfName } from '../instance/locate.ts';
import { SCOPE_HEADER, scopeOf } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';

type Placed = Extract<Result, { readonly kind: 'placed' }>;

/** A random name that is taken is drawn again, this often. */
const NAME_DRAWS = 8;

/** `POST /containers/create`: checks what is asked, finds image and name, then lets the core place and launch it. */
export function containerCreateRoute(app: FastifyInstance, context: ApiContext): void {
  const { backend, claimedNames } = context;

  app.post('/containers/create', async (request, reply) => {
    const body = await readJson(request.body as Readable | undefined, API_LIMITS.jsonBodyBytes);
    const wanted = checkCreate(checked(CREATE_BODY, body ?? {}, 'the body'));
    const asked = textOf(request.query as Query, 'name');
    const given = asked === '' ? undefined : checkName(asked);
    // The name of a container that was not placed says nothing: the image comes first, as its 404 makes clients pull.
    const image = await resolveImage(context, wanted.body.Image, scopeOf(request));
    for (let draw = 0; ; draw++) {
      const name = await claimName(context, given);
      try {
        const run = requestOf(wanted, name, image, (bytes) => backend.randomHex(bytes));
        const result = await runUnlessGone(context, run, reply);
        // Another node drew the same name at the same time: nobody asked for it, so another does as well.
        if (isTaken(result) && given === undefined && draw < NAME_DRAWS) continue;
        if (reply.raw.destroyed && result.ok && result.kind === 'placed') await takeBack(context, name, result);
        if (!result.ok) throw isTaken(result) ? conflict(name) : fromCoreError(result.error, result.placement);
        if (result.kind !== 'placed') throw new ApiError(500, `the run of ${name} ended without a placement`);
        context.whereabouts.remember(result.containerId, result.supplier);
        return await reply.code(201).send({ Id: result.containerId, Warnings: [...wanted.warnings] } satisfies ContainerCreateResponse);
      } finally {
        claimedNames.delete(name);
      }
    }
  });
}

const isTaken = (result: Result): boolean => !result.ok && result.error.code === 'name-taken';

/** A client that hangs up takes its run back: holds are given up before their time. */
async function runUnlessGone({ backend }: ApiContext, run: Request, reply: FastifyReply): Promise<Result> {
  if (reply.raw.destroyed) throw new ApiError(500, 'the client hung up before its container was placed');
  let over = false;
  const hungUp = (): void => {
    if (!over) backend.command({ kind: 'cancel-run', requestId: run.id }).catch(() => undefined);
  };
  reply.raw.once('close', hungUp);
  try {
    return await backend.command({ kind: 'run', request: run, exclude: [] });
  } finally {
    over = true;
    reply.raw.off('close', hungUp);
  }
}

/**
 * The run ended before the client's leaving could cancel it. Nobody knows the container's id: left where
 * it is, it would hold name and room for ever.
 */
async function takeBack({ backend }: ApiContext, name: string, { containerId, supplier }: Placed): Promise<never> {
  try {
    if (supplier === backend.self().id) {
      const removed = await backend.command({ kind: 'remove', containerId, force: true });
      if (!removed.ok) throw new Error(removed.error.message);
    } else {
      const path = `/api/containers/${containerId}?force=1`;
      const headers = { [SCOPE_HEADER]: 'node' };
      const { status, body } = await backend.request(supplier, { method: 'DELETE', path, headers, timeoutMs: API_LIMITS.proxyHeadersMs });
      body.destroy();
      if (status >= 400 && status !== 404) throw new Error(`its node answered ${status}`);
    }
  } catch (error) {
    backend.log('warn', 'a container whose client had hung up could not be removed', { name, containerId, error: String(error) });
  }
  throw new ApiError(500, `the client hung up before container ${name} was placed`);
}

/** Reserves a name among the creates of this node, after asking all nodes for it. @throws ApiError 409 */
async function claimName(context: ApiContext, given: string | undefined): Promise<string> {
  for (let draw = 0; draw < NAME_DRAWS; draw++) {
    const name = given ?? randomName((bytes) => context.backend.randomHex(bytes), draw);
    const claimed = context.claimedNames.has(name);
    if (claimed && given !== undefined) throw conflict(name);
    if (claimed) continue;
    context.claimedNames.add(name);
    const [holder] = await holdersOfName(context, name).catch((error: unknown) => {
      context.claimedNames.delete(name);
      throw error;
    });
    if (holder === undefined) return name;
    context.claimedNames.delete(name);
    if (given !== undefined) throw conflict(name, holder.id);
  }
  throw new ApiError(500, `no free random name was found in ${NAME_DRAWS} draws; give the container one with --name`);
}

function conflict(name: string, holder?: string): ApiError {
  const by = holder === undefined ? 'another container' : `container "${holder}"`;
  return new ApiError(
    409,
    `Conflict. The container name "/${name}" is already in use by ${by}. You have to remove (or rename) that container to be able to reuse that name.`,
  );
}
