import { Boolean as BooleanOf, Number as NumberOf, Object as ObjectOf, Optional } from 'typebox';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { HintRow, InstanceRow, OfferRow, TokenCreated, TokenRow } from '../../docker-api/caravela-types.ts';
import { LeaveRefused, type TokenRecord } from '../backend.ts';
import { placementOf } from '../containers/placement.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { readJson } from '../http/body.ts';
import { checked } from '../http/check.ts';
import { type Query, textOf } from '../http/query.ts';
import { type LocateAnswer, matchesHere } from '../instance/match.ts';
import { nameSilent, scopeOf } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';
import { hintRow } from '../system/hint-row.ts';
import { nodeRows, ownRow } from '../system/node-rows.ts';
import { agreeing } from './agreement.ts';
import { onContainer } from './on-container.ts';

const TOKEN_BODY = ObjectOf({ ttlSeconds: NumberOf({ minimum: 1, maximum: 10 * 365 * 86_400 }), singleUse: Optional(BooleanOf()) });
const LEAVE_BODY = ObjectOf({ force: Optional(BooleanOf()) });

/** `/caravela/v1`: what Docker has no word for. */
export function caravelaRoutes(app: FastifyInstance, context: ApiContext): void {
  const { backend } = context;
  const base = '/caravela/v1';

  app.get(`${base}/nodes`, async (request, reply) => {
    if (scopeOf(request) === 'node') return [ownRow(backend)];
    const { rows, silent } = await nodeRows(backend);
    nameSilent(reply, silent);
    return rows;
  });

  app.get(`${base}/locate`, async (request): Promise<LocateAnswer> => {
    const name = textOf(request.query as Query, 'name');
    if (name === '' || name.length > API_LIMITS.pathParameterBytes) throw new ApiError(400, 'name must be the name or id of a container');
    return { matches: matchesHere(backend.containers(), name) };
  });

  app.get(
    `${base}/explain/:name`,
    onContainer(context, async (_request, _reply, container) => placementOf(backend, container)),
  );

  app.get(`${base}/instance`, async (): Promise<InstanceRow> => {
    const { instanceId, creator, open, insecureRegistries } = backend.instance();
    const self = backend.self();
    return { instanceId, creator, nodeId: self.id, nodeName: self.name, open, insecureRegistries: [...insecureRegistries] };
  });

  app.get(
    `${base}/offers`,
    async (): Promise<OfferRow[]> =>
      backend
        .offers()
        .slice(0, API_LIMITS.listRows)
        .map(({ supplier, name, class: cpuClass, arch, free, labels, draining, ttlMs }) => ({
          supplier,
          name,
          class: cpuClass,
          arch,
          free: { ...free },
          labels: { ...labels },
          draining,
          ttlMs,
        })),
  );

  app.get(
    `${base}/hints`,
    async (): Promise<HintRow[]> =>
      backend
        .hints()
        .slice(0, API_LIMITS.listRows)
        .map((hint) => hintRow(hint, backend.wallMs())),
  );

  app.get(`${base}/tokens`, async (): Promise<TokenRow[]> => (await agreeing(backend.tokens.list())).map(tokenRow));

  app.post(`${base}/tokens`, async (request, reply): Promise<TokenCreated> => {
    const { ttlSeconds, singleUse } = checked(TOKEN_BODY, await bodyOf(request), 'the body');
    const made = await agreeing(backend.tokens.create({ ttlMs: ttlSeconds * 1000, singleUse: singleUse ?? false }));
    reply.code(201);
    return { ...tokenRow(made), token: made.token };
  });

  app.delete(`${base}/tokens/:id`, async (request, reply) => {
    const { id } = request.params as { id: string };
    if (!(await agreeing(backend.tokens.remove(id)))) throw new ApiError(404, `No such token: ${id}; token ls shows those there are`);
    return reply.code(204).send();
  });

  app.post(`${base}/leave`, async (request, reply) => {
    const { force } = checked(LEAVE_BODY, (await bodyOf(request)) ?? {}, 'the body');
    try {
      await backend.leave({ force: force ?? false });
    } catch (error) {
      throw error instanceof LeaveRefused ? new ApiError(409, error.message) : error;
    }
    return reply.code(204).send();
  });
}

const bodyOf = (request: FastifyRequest): Promise<unknown> => readJson(request.body as Readable | undefined, API_LIMITS.jsonBodyBytes);

function tokenRow({ id, createdAtMs, expiresAtMs, singleUse, used }: TokenRecord): TokenRow {
  return { id, createdAtMs, expiresAtMs, singleUse, used };
}
