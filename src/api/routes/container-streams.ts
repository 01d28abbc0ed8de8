import type { FastifyInstance } from 'fastify';
import type { WaitCondition } from '../../docker-api/types.ts';
import { specOf } from '../containers/facts.ts';
import { logDetails } from '../containers/streams/log-details.ts';
import { nextStart, output, type OutputOptions } from '../containers/streams/output.ts';
import { watchEnd } from '../containers/task-end.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { streamType } from '../http/content-type.ts';
import { cutOff } from '../http/cut-off.ts';
import { goneSignal, pump } from '../http/pump.ts';
import { flagOf, momentOf, type Query, textOf } from '../http/query.ts';
import { startStream } from '../http/stream-reply.ts';
import { onContainer } from './on-container.ts';

const CONDITIONS: readonly WaitCondition[] = ['not-running', 'next-exit', 'removed'];

type Which = Pick<OutputOptions, 'stdout' | 'stderr'>;

/** logs and wait: answers that stay open. */
export function containerStreamRoutes(app: FastifyInstance, context: ApiContext): void {
  const { backend } = context;

  app.post(
    '/containers/:name/wait',
    onContainer(context, async (request, reply, container) => {
      const condition = conditionOf(request.query as Query);
      const watch = watchEnd(backend, container, condition);
      let leave = (): void => undefined;
      try {
        leave = context.enter();
        // Sent at once: a client that has these headers may start the container and will not miss its end.
        const raw = startStream(reply, 200, { 'content-type': 'application/json' });
        const gone = goneSignal(raw).signal;
        const response = await Promise.race([watch.ended, aborted(gone)]);
        raw.end(response === undefined ? undefined : `${JSON.stringify(response)}\n`);
      } finally {
        watch.stop();
        leave();
      }
      return reply;
    }),
  );

  app.get(
    '/containers/:name/logs',
    onContainer(context, async (request, reply, container) => {
      const query = request.query as Query;
      const which = streamsOf(query);
      const spec = specOf(container);
      const log = spec.extras?.log;
      // Docker's words.
      if (log?.driver === 'none') throw new ApiError(501, 'configured logging driver does not support reading');
      const bounds = { sinceMs: momentOf(query, 'since'), untilMs: momentOf(query, 'until'), tail: tailOf(query) };
      const prefix = flagOf(query, 'details')
        ? logDetails(log, await backend.details(container.request.containerId).catch(() => spec))
        : '';
      const leave = context.enter();
      try {
        const raw = startStream(reply, 200, { 'content-type': streamType(request, spec.tty) });
        const gone = goneSignal(raw).signal;
        const follow = flagOf(query, 'follow');
        const options = { ...which, ...bounds, follow, timestamps: flagOf(query, 'timestamps'), prefix, signal: gone };
        if (!follow || container.task !== undefined || (await nextStart(backend, container.request.containerId, gone)) === 'started') {
          await cutOff(
            backend,
            container.request.containerId,
            { cut: () => raw.destroy() },
            pump(output(backend, container, options), raw, gone),
          );
        }
        raw.end();
      } finally {
        leave();
      }
      return reply;
    }),
  );
}

function streamsOf(query: Query): Which {
  const which = { stdout: flagOf(query, 'stdout'), stderr: flagOf(query, 'stderr') };
  if (!which.stdout && !which.stderr) throw new ApiError(400, 'Bad parameters: you must choose at least one stream (stdout=1 or stderr=1)');
  return which;
}

/** Lines; `all`, and what is no number, are all of them, as Docker has it. */
function tailOf(query: Query): number | undefined {
  const text = textOf(query, 'tail');
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function conditionOf(query: Query): WaitCondition {
  const text = textOf(query, 'condition');
  const condition = CONDITIONS.find((c) => c === (text === '' ? 'not-running' : text));
  if (condition === undefined) throw new ApiError(400, `invalid condition: ${JSON.stringify(text)} is not one of ${CONDITIONS.join(', ')}`);
  return condition;
}

const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
