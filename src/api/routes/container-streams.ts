import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Container } from '../../core/model/index.ts';
import type { WaitCondition } from '../../docker-api/types.ts';
import { specOf } from '../containers/facts.ts';
import { isUnderWay } from '../containers/status.ts';
import { nextStart, output, type OutputOptions } from '../containers/output.ts';
import { watchEnd } from '../containers/task-end.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { goneSignal, pump, type Sink } from '../http/pump.ts';
import { flagOf, momentOf, type Query, textOf } from '../http/query.ts';
import { startStream } from '../http/stream-reply.ts';
import { takeUpgrade, wantsUpgrade } from '../http/upgrade.ts';
import { versionOf } from '../http/version.ts';
import { locate } from '../instance/locate.ts';
import { askPeer, proxy } from '../instance/proxy.ts';
import { scopeOf } from '../instance/scope.ts';
import { nameIn, onContainer, pathWithId } from './on-container.ts';

const RAW_STREAM = 'application/vnd.docker.raw-stream';
const MULTIPLEXED_STREAM = 'application/vnd.docker.multiplexed-stream';
/** The API version whose clients know the second content type. */
const MULTIPLEXED_SINCE = 42;
const CONDITIONS: readonly WaitCondition[] = ['not-running', 'next-exit', 'removed'];

type Which = Pick<OutputOptions, 'stdout' | 'stderr'>;

/** logs, attach and wait: answers that stay open. */
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
      const bounds = { sinceMs: momentOf(query, 'since'), untilMs: momentOf(query, 'until'), tail: tailOf(query) };
      const leave = context.enter();
      try {
        const raw = startStream(reply, 200, { 'content-type': contentTypeOf(request, container) });
        const gone = goneSignal(raw).signal;
        const follow = flagOf(query, 'follow');
        const options = { ...which, ...bounds, follow, timestamps: flagOf(query, 'timestamps'), signal: gone };
        if (!follow || container.task !== undefined || (await nextStart(backend, container.request.containerId, gone)) === 'started') {
          await cutOff(context, container, raw, pump(output(backend, container, options), raw, gone));
        }
        raw.end();
      } finally {
        leave();
      }
      return reply;
    }),
  );

  app.post('/containers/:name/attach', async (request, reply) => {
    const found = await locate(context, nameIn(request), scopeOf(request));
    if (found.at === 'here') {
      const { container } = found;
      const query = request.query as Query;
      if (flagOf(query, 'stdin') && specOf(container).openStdin) {
        throw new ApiError(501, `Caravela can't write to a container's standard input yet; attach to ${container.name} without -i`);
      }
      const wanted = { stdout: flagOf(query, 'stdout'), stderr: flagOf(query, 'stderr') };
      const type = contentTypeOf(request, container);
      const leave = context.enter();
      try {
        const sink = wantsUpgrade(request) ? takeUpgrade(request, reply, type) : startStream(reply, 200, { 'content-type': type });
        if ('resume' in sink) sink.resume();
        const gone = goneSignal(sink).signal;
        await cutOff(context, container, sink, attach(context, container, query, wanted, sink, gone));
        finish(sink);
      } finally {
        leave();
      }
      return reply;
    }
    const path = pathWithId(request, found.id);
    if (!wantsUpgrade(request)) {
      await proxy(context, found.node, path, request, reply);
      return reply;
    }
    // HTTP/2 has no upgrade: the peer answers with a plain stream, which goes on in raw bytes here.
    const leaving = goneSignal(reply.raw);
    const response = await askPeer(context, found.node, path, request, leaving.signal);
    if (response.status !== 200) return reply.code(response.status).type('application/json').send(response.body);
    const leave = context.enter();
    try {
      const socket = takeUpgrade(request, reply, response.headers['content-type'] ?? RAW_STREAM);
      socket.resume();
      const gone = goneSignal(socket).signal;
      await pump(response.body, socket, gone).catch(() => undefined);
      response.body.destroy();
      finish(socket);
    } finally {
      leave();
    }
    return reply;
  });
}

/**
 * `logs`: what was written so far; `stream`: what is written from now on. Before a start it is held
 * until then; whoever attached first sees the whole output of that start.
 */
async function attach(
  { backend }: ApiContext,
  container: Container,
  query: Query,
  which: Which,
  sink: Sink,
  gone: AbortSignal,
): Promise<void> {
  if (!which.stdout && !which.stderr) return;
  const { containerId } = container.request;
  const stream = flagOf(query, 'stream');
  const before = flagOf(query, 'logs');
  const common = { ...which, timestamps: false, untilMs: undefined, signal: gone };
  const running = isUnderWay(container);
  if (!stream || running) {
    const tail = before ? undefined : 0;
    if (before || stream) await pump(output(backend, container, { ...common, follow: stream, tail, sinceMs: undefined }), sink, gone);
    return;
  }
  const sinceMs = before || container.task === undefined ? undefined : backend.wallMs();
  if ((await nextStart(backend, containerId, gone)) === 'never') return;
  await pump(output(backend, container, { ...common, follow: true, tail: undefined, sinceMs }), sink, gone);
}

/** Ends an answer. A raw connection is closed on both sides, as a client may keep its own open. */
function finish(sink: FastifyReply['raw'] | Duplex): void {
  if ('resume' in sink) sink.end(() => sink.destroy());
  else sink.end();
}

/** The headers are sent: a failure can only cut the stream off, which clients notice. */
async function cutOff(
  context: ApiContext,
  container: Container,
  sink: { destroy(error?: Error): unknown },
  work: Promise<void>,
): Promise<void> {
  try {
    await work;
  } catch (error) {
    context.backend.log('warn', 'the output of a container could not be read', {
      container: container.request.containerId,
      error: String(error),
    });
    sink.destroy();
  }
}

function contentTypeOf(request: FastifyRequest, container: Container): string {
  return !specOf(container).tty && versionOf(request.originalUrl) >= MULTIPLEXED_SINCE ? MULTIPLEXED_STREAM : RAW_STREAM;
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
