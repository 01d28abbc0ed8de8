import type { FastifyInstance } from 'fastify';
import type { Readable } from 'node:stream';
import type { Result } from '../../core/model/index.ts';
import type { ContainerCreateResponse } from '../../docker-api/types.ts';
import { claimName, NAME_DRAWS, nameConflict } from '../containers/claim-name.ts';
import { CREATE_BODY } from '../containers/create-body.ts';
import { checkCreate, checkName, requestOf } from '../containers/create-request.ts';
import { withPortsClaimed } from '../containers/networking/claim-ports.ts';
import { settleNetworking } from '../containers/networking/settle-networking.ts';
import { runUnlessGone } from '../containers/run-unless-gone.ts';
import { takeBack } from '../containers/take-back.ts';
import type { ApiContext } from '../context.ts';
import { ApiError, fromCoreError } from '../http/api-error.ts';
import { readJson } from '../http/body.ts';
import { checked } from '../http/check.ts';
import { type Query, textOf } from '../http/query.ts';
import { resolveImage } from '../images/resolve.ts';
import { scopeOf } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';

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
    const networking = await settleNetworking(context, wanted.networking, { scope: scopeOf(request), dry: false });
    for (let draw = 0; ; draw++) {
      const name = await claimName(context, given);
      try {
        const run = requestOf(wanted, name, { image, networking }, (bytes) => backend.randomHex(bytes));
        const result = await withPortsClaimed(backend, [run], () =>
          runUnlessGone(context, { kind: 'run', request: run, exclude: [] }, reply),
        );
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
        return await reply
          .code(201)
          .send({ Id: result.containerId, Warnings: [...wanted.warnings, ...networking.warnings] } satisfies ContainerCreateResponse);
      } finally {
        claimedNames.delete(name);
      }
    }
  });
}

const isTaken = (result: Result): boolean => !result.ok && result.error.code === 'name-taken';
