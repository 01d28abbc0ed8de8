import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Request, Result } from '../../core/model/index.ts';
import type { ContainerCreateResponse } from '../../docker-api/types.ts';
import { asMeant } from '../containers/as-meant.ts';
import { claimName, NAME_DRAWS, nameConflict } from '../containers/claim-name.ts';
import { CREATE_BODY } from '../containers/create-body.ts';
import { checkCreate, checkName, type Looked, requestOf } from '../containers/create-request.ts';
import type { Wanted } from '../containers/wanted.ts';
import { constraintsAfterLoss } from '../containers/mounts/lost-volume.ts';
import { withPortsChosen } from '../containers/networking/choose-ports.ts';
import { withPortsClaimed, withPortsForStart } from '../containers/networking/claim-ports.ts';
import { runUnlessGone } from '../containers/run-unless-gone.ts';
import { type Settled, settle } from '../containers/settle.ts';
import { takeBack } from '../containers/take-back.ts';
import type { ApiContext } from '../context.ts';
import { ApiError, fromCoreError } from '../http/api-error.ts';
import { jsonOf } from '../http/body.ts';
import { checked } from '../http/check.ts';
import { type Query, textOf } from '../http/query.ts';
import { versionOf } from '../http/version.ts';
import { platformOf } from '../images/platform.ts';
import { forPlatform, resolveImage } from '../images/resolve.ts';
import { scopeOf } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';

/** `POST /containers/create`: checks what is asked, finds image and name, then lets the core place and launch it. */
export function containerCreateRoute(app: FastifyInstance, context: ApiContext): void {
  app.post('/containers/create', async (request, reply) => {
    const body = await jsonOf(request, API_LIMITS.jsonBodyBytes);
    const wanted = checkCreate(asMeant(checked(CREATE_BODY, body ?? {}, 'the body'), versionOf(request.originalUrl)));
    const asked = textOf(request.query as Query, 'name');
    const given = asked === '' ? undefined : checkName(asked);
    // The name of a container that was not placed says nothing: the image comes first, as its 404 makes clients pull.
    const platform = platformOf(textOf(request.query as Query, 'platform'));
    const image = forPlatform(wanted.body.Image, await resolveImage(context, wanted.body.Image, scopeOf(request)), platform);
    const settled = await settle(context, wanted, { scope: scopeOf(request), dry: false });
    const warnings = [...wanted.warnings, ...settled.networking.warnings];
    const looked = { image, settled };
    for (let draw = 0; ; draw++) {
      const name = await claimName(context, given);
      try {
        const result = await place(context, reply, { wanted, looked, name });
        // Another node drew the same name at the same time: nobody asked for it, so another does as well.
        if (isTaken(result) && given === undefined && draw < NAME_DRAWS) continue;
        if (reply.raw.destroyed && result.ok && result.kind === 'placed') {
          await takeBack(context, name, result.containerId, result.supplier);
          throw new ApiError(500, `the client hung up before container ${name} was placed`);
        }
        if (!result.ok)
          throw isTaken(result) ? nameConflict(name, result.holder?.containerId) : fromCoreError(result.error, result.placement);
        if (result.kind !== 'placed') throw new ApiError(500, `the run of ${name} ended without a placement`);
        context.whereabouts.remember(result.containerId, result.supplier);
        return await reply.code(201).send({ Id: result.containerId, Warnings: warnings } satisfies ContainerCreateResponse);
      } finally {
        context.claimedNames.delete(name);
      }
    }
  });
}

interface Asked {
  readonly wanted: Wanted;
  readonly looked: Looked;
  readonly name: string;
}

/** Once more, and where its volume is, where that became another node's meanwhile. */
async function place(context: ApiContext, reply: FastifyReply, { wanted, looked, name }: Asked): Promise<Result> {
  const { backend } = context;
  const run = (settled: Settled): Promise<Result> =>
    withPortsChosen([settled], ([chosen = settled]) => {
      const request = requestOf(wanted, name, { ...looked, settled: chosen }, (bytes) => backend.randomHex(bytes));
      const placed = (wish: Request) => runUnlessGone(context, { kind: 'run', request: wish, exclude: [] }, reply);
      // One of a range gives way to the next that is free. What removes itself must not stay where it could not be started.
      if (request.autoRemove || chosen.networking.ports.some(({ hostRange }) => hostRange !== undefined)) {
        return withPortsClaimed(backend, [request], () => placed(request));
      }
      return withPortsForStart(backend, request, placed);
    });
  const result = await run(looked.settled);
  const constraints = await constraintsAfterLoss(backend, looked.settled, result);
  return constraints === undefined ? result : run({ ...looked.settled, constraints });
}

const isTaken = (result: Result): boolean => !result.ok && result.error.code === 'name-taken';
