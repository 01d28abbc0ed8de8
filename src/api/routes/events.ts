import type { FastifyInstance } from 'fastify';
import type { EventMessage } from '../../docker-api/types.ts';
import type { ApiContext } from '../context.ts';
import { EVENT_FILTERS, eventIsMeant } from '../events/filter.ts';
import { JoinedPeers } from '../events/join-peers.ts';
import { BoundedQueue } from '../events/queue.ts';
import { ApiError } from '../http/api-error.ts';
import { goneSignal, pump } from '../http/pump.ts';
import { filtersOf, momentOf, type Query, textOf } from '../http/query.ts';
import { startStream } from '../http/stream-reply.ts';
import { nameSilent, scopeOf } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';

/** Node fires longer timers at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * `GET /events`: what happens from now on, on this node and on those that are there or come. `since` brings back what
 * each keeps. A reader that falls too far behind is cut off.
 */
export function eventRoutes(app: FastifyInstance, context: ApiContext): void {
  const { backend, events } = context;

  app.get('/events', async (request, reply) => {
    const query = request.query as Query;
    const filters = filtersOf(query, EVENT_FILTERS);
    const [sinceMs, untilMs] = spanOf(query);
    const lines = new BoundedQueue<Buffer>(API_LIMITS.eventsBehind);
    const push = (message: unknown): boolean => lines.push(Buffer.from(`${JSON.stringify(message)}\n`));
    const show = (message: EventMessage): void => {
      if (eventIsMeant(message, filters) && (untilMs === undefined || message.timeNano <= untilMs * 1e6)) push(message);
    };
    const gone = goneSignal(reply.raw);
    const peers = scopeOf(request) === 'node' ? undefined : new JoinedPeers(backend, request.url, gone.signal, push);
    // In one go: nothing is missed between what was and what comes.
    if (sinceMs !== undefined) for (const message of events.since(sinceMs)) show(message);
    const stop = events.subscribe(show);
    const end = async (): Promise<void> => {
      if (peers !== undefined) await Promise.race([peers.ended(), passed(API_LIMITS.askDeadlineMs)]);
      lines.end();
    };
    const timer =
      untilMs === undefined ? undefined : setTimeout(() => void end(), Math.min(Math.max(0, untilMs - backend.wallMs()), LONGEST_TIMER_MS));
    let leave = (): void => undefined;
    try {
      leave = context.enter();
      if (peers !== undefined) nameSilent(reply, await peers.open());
      const raw = startStream(reply, 200, { 'content-type': 'application/json' });
      await pump(lines, raw, gone.signal);
      raw.end();
    } finally {
      clearTimeout(timer);
      stop();
      peers?.close();
      lines.end();
      gone.abort();
      leave();
    }
    return reply;
  });
}

/** Wall-clock ms. Who says no more than when to end means what was, too: all that is kept of it, as with a start in 1970. */
function spanOf(query: Query): readonly [sinceMs: number | undefined, untilMs: number | undefined] {
  const untilMs = momentOf(query, 'until');
  const sinceMs = momentOf(query, 'since') ?? (untilMs !== undefined || textOf(query, 'since') === '0' ? 0 : undefined);
  if (sinceMs !== undefined && untilMs !== undefined && untilMs < sinceMs) {
    throw new ApiError(
      400,
      `\`since\` time (${textOf(query, 'since')}) cannot be after \`until\` time (${textOf(query, 'until')}): ask for them the other way round`,
    );
  }
  return [sinceMs, untilMs];
}

const passed = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
