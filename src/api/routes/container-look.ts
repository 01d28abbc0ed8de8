import type { FastifyInstance } from 'fastify';
import type { Container } from '../../core/model/index.ts';
import { CHANGE_KINDS } from '../../engine/port.ts';
import type { ChangeRow, TopAnswer } from '../../docker-api/types.ts';
import { statsLines } from '../containers/stats/samples.ts';
import type { ApiContext } from '../context.ts';
import { goneSignal, pump } from '../http/pump.ts';
import { flagOf, type Query, textOf } from '../http/query.ts';
import { startStream } from '../http/stream-reply.ts';
import { tarReply } from '../http/tar-reply.ts';
import { onContainer } from './on-container.ts';

/** What `docker top` asks for by default. */
const PS_ARGUMENTS = '-ef';

/** top, stats, changes, export: looks at a container. */
export function containerLookRoutes(app: FastifyInstance, context: ApiContext): void {
  const { access } = context.backend;
  const note = ({ request }: Container, action: string): void => context.note({ type: 'container', action, id: request.containerId });

  app.get(
    '/containers/:name/top',
    onContainer(context, async (request, _reply, container): Promise<TopAnswer> => {
      const words = (textOf(request.query as Query, 'ps_args') || PS_ARGUMENTS).split(/[ \t\n]+/).filter((word) => word !== '');
      const { titles, processes } = await access.top(container.request.containerId, words);
      note(container, 'top');
      return { Titles: [...titles], Processes: processes.map((row) => [...row]) };
    }),
  );

  app.get(
    '/containers/:name/changes',
    onContainer(context, async (_request, _reply, container): Promise<ChangeRow[]> => {
      const changes = await access.changes(container.request.containerId);
      return changes.map(({ path, kind }) => ({ Path: path, Kind: CHANGE_KINDS.indexOf(kind) }));
    }),
  );

  app.get(
    '/containers/:name/stats',
    onContainer(context, async (request, reply, container) => {
      const query = request.query as Query;
      const stream = textOf(query, 'stream') === '' || flagOf(query, 'stream');
      const leave = context.enter();
      try {
        const gone = goneSignal(reply.raw).signal;
        const lines = statsLines(context.backend, container.request.containerId, {
          stream,
          oneShot: flagOf(query, 'one-shot'),
          signal: gone,
        });
        // An error of the first is an answer of its own.
        const first = await lines.next();
        const raw = startStream(reply, 200, { 'content-type': 'application/json' });
        if (first.done !== true) {
          raw.write(first.value);
          await pump(lines, raw, gone).catch(() => undefined);
        }
        raw.end();
      } finally {
        leave();
      }
      return reply;
    }),
  );

  app.get(
    '/containers/:name/export',
    onContainer(context, async (_request, reply, container) =>
      tarReply(context, reply, async (signal) => {
        const stream = await access.exportRoot(container.request.containerId, signal);
        note(container, 'export');
        return { stream, headers: { 'content-type': 'application/octet-stream' } };
      }),
    ),
  );
}
