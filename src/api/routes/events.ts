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
import { nameSilent, type Scope, scopeOf } from '../instance/scope.ts';
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
    const scope = scopeOf(request);
    const [sinceMs, untilMs] = spanOf(query, scope);
    const isHistory = untilMs !== undefined && untilMs <= backend.wallMs();
    const lines = new BoundedQueue<Buffer>(API_LIMITS.eventsBehind);
    const past: EventMessage[] = [];
    const write = (message: EventMessage): boolean => lines.push(Buffer.from(`${JSON.stringify(message)}\n`));
    // What comes is shown as it comes; what was is put in order over all nodes, as much of it as a reader may be behind.
    const push = (message: EventMessage): boolean =>
      isHistory ? past.length < API_LIMITS.eventsBehind && past.push(message) > 0 : write(message);
    const show = (message: EventMessage): void => {
      if (eventIsMeant(message, filters) && (untilMs === undefined || message.timeNano <= untilMs * 1e6)) push(message);
    };
    const gone = goneSignal(reply.raw);
    const peers = scope === 'node' ? undefined : new JoinedPeers(backend, pathOf(request.url, sinceMs), gone.signal, push);
    // In one go: nothing is missed between what was and what comes.
    if (sinceMs !== undefined) for (const message of events.since(sinceMs)) show(message);
    const stop = events.subscribe(show);
    const end = async (): Promise<void> => {
      if (peers !== undefined) await Promise.race([peers.ended(), passed(API_LIMITS.askDeadlineMs)]);
      for (const message of past.sort((a, b) => a.timeNano - b.timeNano)) write(message);
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

/** A node that is asked by another is told when to begin. */
function pathOf(url: string, sinceMs: number | undefined): string {
  const { pathname, searchParams } = new URL(url, 'http://node');
  if (sinceMs !== undefined && !searchParams.has('since')) searchParams.set('since', '0');
  return searchParams.size === 0 ? pathname : `${pathname}?${searchParams.toString()}`;
}

/** Wall-clock ms. A client that says no more than when to end means what was, too: all that is kept of it, as with a start in 1970. */
function spanOf(query: Query, scope: Scope): readonly [sinceMs: number | undefined, untilMs: number | undefined] {
  const untilMs = momentOf(query, 'until');
  const sinceMs =
    momentOf(query, 'since') ?? ((untilMs !== undefined && scope === 'instance') || textOf(query, 'since') === '0' ? 0 : undefined);
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
