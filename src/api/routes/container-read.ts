import { Array as ArrayOf, Integer, Object as ObjectOf, Record as RecordOf, String as StringOf } from 'typebox';
import type { FastifyInstance } from 'fastify';
import type { ContainerSummary } from '../../docker-api/types.ts';
import { factsOf } from '../containers/facts.ts';
import { inspectOf } from '../containers/inspect.ts';
import { listHere, listOptionsOf, newest, nodeIsMeant } from '../containers/list.ts';
import type { ApiContext } from '../context.ts';
import { rowsOf } from '../http/check.ts';
import type { Query } from '../http/query.ts';
import { askAll } from '../instance/ask.ts';
import { nameSilent, scopeOf } from '../instance/scope.ts';
import { onContainer } from './on-container.ts';

/** What merging and clients rely on; the rest is passed on as the peer said it. */
const PEER_ROW = ObjectOf({
  Id: StringOf(),
  Names: ArrayOf(StringOf()),
  Created: Integer(),
  State: StringOf(),
  Labels: RecordOf(StringOf(), StringOf()),
});

/** `ps` and `inspect`. */
export function containerReadRoutes(app: FastifyInstance, context: ApiContext): void {
  const { backend } = context;

  app.get('/containers/json', async (request, reply) => {
    const options = listOptionsOf(request.query as Query);
    if (scopeOf(request) === 'node') return listHere(backend, options);
    const question = request.url.indexOf('?');
    const [here, asked] = await Promise.all([
      listHere(backend, options),
      askAll(backend, {
        path: `/containers/json${question < 0 ? '' : request.url.slice(question)}`,
        whom: (member) => nodeIsMeant(options.filters, member),
      }),
    ]);
    const there = asked.answers.flatMap((answer) => rowsOf(PEER_ROW, answer.body) as unknown as ContainerSummary[]);
    nameSilent(reply, [...asked.silent, ...asked.dead]);
    return newest([...here, ...there], options.limit);
  });

  app.get(
    '/containers/:name/json',
    onContainer(context, async (_request, _reply, container) =>
      inspectOf(await factsOf(backend, container), backend.self(), backend.members()),
    ),
  );
}
