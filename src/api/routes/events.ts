import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Member } from '../../core/model/index.ts';
import { jsonLines } from '../../docker-api/json-lines.ts';
import type { ApiContext } from '../context.ts';
import { EVENT_FILTERS, eventIsMeant, eventMessage } from '../events/message.ts';
import { BoundedQueue } from '../events/queue.ts';
import { goneSignal, pump } from '../http/pump.ts';
import { filtersOf, momentOf, type Query } from '../http/query.ts';
import { startStream } from '../http/stream-reply.ts';
import { nameSilent, SCOPE_HEADER, scopeOf } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';

/**
 * `GET /events`: what happens from now on, on this node and on those that are alive when it is asked.
 * What is past is not kept, so `since` brings nothing back. A reader that falls too far behind is cut off.
 */
export function eventRoutes(app: FastifyInstance, context: ApiContext): void {
  const { backend } = context;

  app.get('/events', async (request, reply) => {
    const query = request.query as Query;
    const filters = filtersOf(query, EVENT_FILTERS);
    const untilMs = momentOf(query, 'until');
    const lines = new BoundedQueue<Buffer>(API_LIMITS.eventsBehind);
    const gone = goneSignal(reply.raw);
    const stop = backend.subscribe((event) => {
      const message = eventMessage(backend, event);
      if (message !== undefined && eventIsMeant(message, filters)) push(lines, message);
    });
    let leave = (): void => undefined;
    const timer =
      untilMs === undefined ? undefined : setTimeout(() => lines.end(), Math.min(Math.max(0, untilMs - backend.wallMs()), 2 ** 31 - 1));
    try {
      leave = context.enter();
      const silent = scopeOf(request) === 'node' ? [] : await joinPeers(context, request, lines, gone.signal);
      nameSilent(reply, silent);
      const raw = startStream(reply, 200, { 'content-type': 'application/json' });
      await pump(lines, raw, gone.signal);
      raw.end();
    } finally {
      clearTimeout(timer);
      stop();
      lines.end();
      gone.abort();
      leave();
    }
    return reply;
  });
}

/** Opens each peer's stream and lets its lines flow into ours. @returns who did not answer */
async function joinPeers(
  { backend }: ApiContext,
  request: FastifyRequest,
  lines: BoundedQueue<Buffer>,
  signal: AbortSignal,
): Promise<readonly Member[]> {
  const self = backend.self().id;
  const peers = backend.members().filter((m) => m.id !== self && (m.state === 'alive' || m.state === 'suspect'));
  const silent: Member[] = [];
  const join = async (member: Member): Promise<void> => {
    const { body, status } = await backend.request(member.id, {
      method: 'GET',
      path: `/api${request.url}`,
      headers: { [SCOPE_HEADER]: 'node' },
      timeoutMs: API_LIMITS.askDeadlineMs,
      signal,
    });
    const close = (): void => void body.destroy();
    if (status !== 200 || signal.aborted) {
      close();
      silent.push(member);
      return;
    }
    signal.addEventListener('abort', close, { once: true });
    void forward(body, lines)
      .catch(() => undefined)
      .finally(() => signal.removeEventListener('abort', close));
  };
  await Promise.all(peers.slice(0, API_LIMITS.askParallel).map((member) => join(member).catch(() => silent.push(member))));
  return silent;
}

async function forward(body: AsyncIterable<Uint8Array>, lines: BoundedQueue<Buffer>): Promise<void> {
  for await (const message of jsonLines<unknown>(body)) if (!push(lines, message)) return;
}

const push = (lines: BoundedQueue<Buffer>, message: unknown): boolean => lines.push(Buffer.from(`${JSON.stringify(message)}\n`));
