import { PassThrough } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Container, NodeId } from '../../core/model/index.ts';
import type { WaitCondition } from '../../docker-api/types.ts';
import { EngineError, type TerminalSize } from '../../engine/port.ts';
import { Attachment, attachWish } from '../containers/attach.ts';
import { specOf } from '../containers/facts.ts';
import { nextStart, output, type OutputOptions } from '../containers/output.ts';
import { watchEnd } from '../containers/task-end.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { forwardInput, openChannel } from '../http/channel.ts';
import { goneSignal, pump } from '../http/pump.ts';
import { flagOf, momentOf, type Query, textOf, wholeOf } from '../http/query.ts';
import { startStream } from '../http/stream-reply.ts';
import { wantsUpgrade } from '../http/upgrade.ts';
import { versionOf } from '../http/version.ts';
import { locate } from '../instance/locate.ts';
import { askPeer, proxy } from '../instance/proxy.ts';
import { scopeOf } from '../instance/scope.ts';
import { nameIn, onContainer, pathWithId } from './on-container.ts';

const RAW_STREAM = 'application/vnd.docker.raw-stream';
const MULTIPLEXED_STREAM = 'application/vnd.docker.multiplexed-stream';
/** The API version whose clients know the second content type. */
const MULTIPLEXED_SINCE = 42;
/** The kernel's (struct winsize). */
const MOST_CHARACTERS = 65_535;
const CONDITIONS: readonly WaitCondition[] = ['not-running', 'next-exit', 'removed'];

type Which = Pick<OutputOptions, 'stdout' | 'stderr'>;

/** logs, attach and wait: answers that stay open; and resize, which goes with them. */
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
          await cutOff(context, container, { cut: () => raw.destroy() }, pump(output(backend, container, options), raw, gone));
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
    if (found.at === 'here') return attachHere(context, request, reply, found.container);
    const path = pathWithId(request, found.id);
    await (wantsUpgrade(request)
      ? attachThere(context, found.node, path, request, reply)
      : proxy(context, found.node, path, request, reply));
    return reply;
  });

  app.post(
    '/containers/:name/resize',
    onContainer(context, async (request, reply, container) => {
      const size = sizeOf(request.query as Query);
      if (container.task?.state !== 'running') throw notRunning(container);
      try {
        // Clients whose own terminal has no size say 0.
        if (size.rows > 0 && size.columns > 0) await backend.resize(container.request.containerId, size);
      } catch (error) {
        throw error instanceof EngineError && error.code === 'wrong-state' ? notRunning(container) : error;
      }
      return reply.code(200).send();
    }),
  );
}

async function attachHere(context: ApiContext, request: FastifyRequest, reply: FastifyReply, container: Container): Promise<FastifyReply> {
  const attachment = new Attachment(context.backend, container, attachWish(request.query as Query));
  const leave = context.enter();
  try {
    await attachment.open();
    const channel = openChannel(request, reply, contentTypeOf(request, container));
    await cutOff(context, container, channel, attachment.serve(channel));
    channel.finish();
  } catch (error) {
    throw error instanceof EngineError ? new ApiError(409, error.message) : error;
  } finally {
    attachment.close();
    leave();
  }
  return reply;
}

/** HTTP/2 has no upgrade: to the peer this is a request whose body goes on while it answers. */
async function attachThere(context: ApiContext, node: NodeId, path: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const leave = context.enter();
  const input = new PassThrough();
  try {
    const leaving = goneSignal(reply.raw);
    const response = await askPeer(context, node, path, request, leaving.signal, input);
    if (response.status !== 200) {
      await reply.code(response.status).type('application/json').send(response.body);
      return;
    }
    const channel = openChannel(request, reply, response.headers['content-type'] ?? RAW_STREAM);
    forwardInput(channel, input);
    await pump(response.body, channel.output, channel.gone).catch(() => undefined);
    response.body.destroy();
    channel.finish();
  } finally {
    input.destroy();
    leave();
  }
}

/** The headers are sent: a failure can only cut the stream off, which clients notice. */
async function cutOff(context: ApiContext, container: Container, sink: { cut(): void }, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    context.backend.log('warn', 'the output of a container could not be read', {
      container: container.request.containerId,
      error: String(error),
    });
    sink.cut();
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

function sizeOf(query: Query): TerminalSize {
  const [rows = 0, columns = 0] = [wholeOf(query, 'h'), wholeOf(query, 'w')];
  const valid = (n: number): boolean => n >= 0 && n <= MOST_CHARACTERS;
  if (!valid(rows) || !valid(columns)) {
    throw new ApiError(400, `a terminal has up to ${MOST_CHARACTERS} rows and columns (h, w), got ${rows} and ${columns}`);
  }
  return { rows, columns };
}

const notRunning = ({ request }: Container): ApiError => new ApiError(409, `container ${request.containerId} is not running`);

const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
