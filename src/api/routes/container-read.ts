import { Array as ArrayOf, Number as NumberOf, Object as ObjectOf, Record as RecordOf, String as StringOf } from 'typebox';
import type { FastifyInstance } from 'fastify';
import type { ContainerSummary } from '../../docker-api/types.ts';
import { filtersText, withMoments } from '../containers/list-bounds.ts';
import { factsOf } from '../containers/facts.ts';
import { inspectOf } from '../containers/inspect.ts';
import { inWholeSeconds, listHere, listOptionsOf, newest, nodeIsMeant } from '../containers/list.ts';
import { asNamedHere, type KnownImages } from '../containers/moved-name.ts';
import type { ApiContext } from '../context.ts';
import { rowsOf } from '../http/check.ts';
import { flagOf, type Query, textOf } from '../http/query.ts';
import { askAll } from '../instance/ask.ts';
import { nameSilent, scopeOf } from '../instance/scope.ts';
import { onContainer } from './on-container.ts';

/** What merging and clients rely on; the rest is passed on as the peer said it. */
const PEER_ROW = ObjectOf({
  Id: StringOf(),
  Names: ArrayOf(StringOf()),
  Image: StringOf(),
  ImageID: StringOf(),
  Created: NumberOf(),
  State: StringOf(),
  Labels: RecordOf(StringOf(), StringOf()),
});

/** `ps` and `inspect`. */
export function containerReadRoutes(app: FastifyInstance, context: ApiContext): void {
  const { backend } = context;

  app.get('/containers/json', async (request, reply) => {
    const query = request.query as Query;
    const given = listOptionsOf(query);
    const scope = scopeOf(request);
    const filters = await withMoments(context, given.filters, scope);
    const options = { ...given, filters };
    if (scope === 'node') return listHere(backend, options);
    const question = new URLSearchParams({ ...pick(query, ['all', 'limit', 'size']), filters: filtersText(filters) });
    const [here, asked] = await Promise.all([
      listHere(backend, options),
      askAll(backend, {
        path: `/containers/json?${question.toString()}`,
        whom: (member) => nodeIsMeant(options.filters, member),
      }),
    ]);
    const known: KnownImages = new Map();
    const { arch } = backend.self();
    const there = await Promise.all(
      asked.answers.flatMap(({ member, body }) =>
        (rowsOf(PEER_ROW, body) as unknown as ContainerSummary[]).map(async (row) =>
          member.arch === arch ? asNamedHere(backend.images, row, known) : row,
        ),
      ),
    );
    nameSilent(reply, [...asked.silent, ...asked.dead]);
    return newest([...here, ...there], options.limit).map(inWholeSeconds);
  });

  app.get(
    '/containers/:name/json',
    onContainer(context, async (request, _reply, container) => {
      const { containerId } = container.request;
      const wantsSizes = flagOf(request.query as Query, 'size');
      const [facts, sizes] = await Promise.all([
        factsOf(backend, container),
        wantsSizes ? backend.access.sizes(containerId) : Promise.resolve(undefined),
      ]);
      return inspectOf(facts, { node: backend.self(), members: backend.members(), execIds: context.execs.idsOf(containerId), sizes });
    }),
  );
}

const pick = (query: Query, keys: readonly string[]): Record<string, string> =>
  Object.fromEntries(keys.map((key) => [key, textOf(query, key)]).filter(([, value]) => value !== ''));
