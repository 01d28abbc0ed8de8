import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import type { NodeId, Result, StackPlacement } from '../../core/model/index.ts';
import type { StackCreated, StackPlan } from '../../docker-api/stack-types.ts';
import { claimName, nameConflict } from '../containers/claim-name.ts';
import { withPortsChosen } from '../containers/networking/choose-ports.ts';
import { withPortsClaimed } from '../containers/networking/claim-ports.ts';
import { placementRow } from '../containers/placement.ts';
import { randomName } from '../containers/random-name.ts';
import { runUnlessGone } from '../containers/run-unless-gone.ts';
import { takeBack } from '../containers/take-back.ts';
import type { ApiContext } from '../context.ts';
import { ApiError, fromCoreError } from '../http/api-error.ts';
import { readJson } from '../http/body.ts';
import { holdersOfName } from '../instance/locate.ts';
import { scopeOf } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';
import { checkStack, namingPart, type WantedStack } from '../stacks/stack-body.ts';
import type { Settled } from '../containers/settle.ts';
import { imagesOf, settledOf, stackOf } from '../stacks/stack-of.ts';

type Placed = Extract<Result, { readonly kind: 'stack-placed' | 'planned' }>;

/** Stacks whose names were drawn are tried again, this often, where another node drew one of them at the same time. */
const REDRAWS = 3;

/** `POST /caravela/v1/stacks` places several containers, all or none; `POST /caravela/v1/plan` says where they would go. */
export function stackRoutes(app: FastifyInstance, context: ApiContext): void {
  app.post('/caravela/v1/stacks', async (request, reply) => {
    const wanted = checkStack(await bodyOf(request));
    const scope = scopeOf(request);
    const images = await imagesOf(context, wanted, scope);
    const settled = await settledOf(context, wanted, { scope, dry: false });
    for (let redraw = 0; ; redraw++) {
      const names = await claimNames(context, wanted);
      try {
        const result = await withPortsChosen(settled, (chosen) => {
          const stack = stackOf(context, wanted, { images, settled: chosen, names });
          const requests = stack.parts.map((part) => part.request);
          return withPortsClaimed(context.backend, requests, () =>
            runUnlessGone(context, { kind: 'run-stack', stack, exclude: [] }, reply),
          );
        });
        if (isTaken(result) && redraw < REDRAWS && wanted.parts.some((part) => part.name === undefined)) continue;
        const { parts } = placedOr503(result, 'stack-placed');
        if (reply.raw.destroyed) await takeAllBack(context, names, parts);
        for (const part of parts) context.whereabouts.remember(part.containerId, part.supplier);
        return await reply.code(201).send(createdOf(context, { wanted, settled, names }, parts));
      } finally {
        for (const name of names) context.claimedNames.delete(name);
      }
    }
  });

  app.post('/caravela/v1/plan', async (request, reply): Promise<StackPlan> => {
    const wanted = checkStack(await bodyOf(request));
    const scope = scopeOf(request);
    const images = await imagesOf(context, wanted, scope);
    const settled = await settledOf(context, wanted, { scope, dry: true });
    const names = await freeNames(context, wanted);
    const planned = await withPortsChosen(settled, (chosen) => {
      const stack = stackOf(context, wanted, { images, settled: chosen, names });
      return runUnlessGone(context, { kind: 'plan', stack, exclude: [] }, reply);
    });
    const { parts } = placedOr503(planned, 'planned');
    return {
      parts: parts.map(({ supplier, placement }, i) => ({
        Name: names[i] ?? '',
        Group: wanted.parts[i]?.group ?? '',
        Node: nodeName(context, supplier),
        Warnings: warningsOf(wanted, settled, i),
        Placement: placementRow(context.backend, placement),
      })),
    };
  });
}

const bodyOf = (request: FastifyRequest): Promise<unknown> => readJson(request.body as Readable | undefined, API_LIMITS.jsonBodyBytes);

const isTaken = (result: Result): boolean => !result.ok && result.error.code === 'name-taken';

function placedOr503(result: Result, kind: Placed['kind']): Placed {
  if (!result.ok) throw fromCoreError(result.error, result.placement);
  if (result.kind !== kind) throw new ApiError(500, `the stack ended as ${result.kind}, which is not ${kind}`);
  return result;
}

interface Asked {
  readonly wanted: WantedStack;
  readonly settled: readonly Settled[];
  readonly names: readonly string[];
}

function createdOf(context: ApiContext, { wanted, settled, names }: Asked, parts: readonly StackPlacement[]): StackCreated {
  return {
    parts: parts.map(({ containerId, supplier }, i) => ({
      Id: containerId,
      Name: names[i] ?? '',
      Node: nodeName(context, supplier),
      Warnings: warningsOf(wanted, settled, i),
    })),
  };
}

const warningsOf = (wanted: WantedStack, settled: readonly Settled[], i: number): string[] => [
  ...(wanted.parts[i]?.wanted.warnings ?? []),
  ...(settled[i]?.networking.warnings ?? []),
];

const nodeName = ({ backend }: ApiContext, id: NodeId): string =>
  id === backend.self().id ? backend.self().name : (backend.members().find((m) => m.id === id)?.name ?? id);

/** Claims every part's name, drawing those that were not given; none where one can't be had. @throws ApiError 409 */
async function claimNames(context: ApiContext, { parts }: WantedStack): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for (const part of parts) names.push(await claimName(context, part.name));
    return names;
  } catch (error) {
    for (const name of names) context.claimedNames.delete(name);
    throw error;
  }
}

/** The names as claimNames would have them, claiming none. @throws ApiError 409 */
async function freeNames(context: ApiContext, { parts }: WantedStack): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { name, label } of parts) {
    const [holder] = name === undefined ? [] : await holdersOfName(context, name);
    if (name !== undefined && holder !== undefined) throw namingPart(label, nameConflict(name, holder.id));
    names.push(name ?? randomName((bytes) => context.backend.randomHex(bytes), 1));
  }
  return names;
}

/** Nobody knows the ids of these containers. @throws ApiError always */
async function takeAllBack(context: ApiContext, names: readonly string[], parts: readonly StackPlacement[]): Promise<never> {
  await Promise.all(parts.map(({ containerId, supplier }, i) => takeBack(context, names[i] ?? '', containerId, supplier)));
  throw new ApiError(500, 'the client hung up before its stack was placed');
}
