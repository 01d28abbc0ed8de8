import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Container, ContainerId, Result } from '../../core/model/index.ts';
import { signalNumber } from '../../engine/port.ts';
import { isUnderWay, statusOf } from '../containers/status.ts';
import { type EndWatch, watchEnd } from '../containers/task-end.ts';
import type { ApiContext } from '../context.ts';
import { ApiError, fromCoreError } from '../http/api-error.ts';
import { flagOf, type Query, textOf, wholeOf } from '../http/query.ts';
import { API_LIMITS } from '../limits.ts';
import { NetworkRefused } from '../network-service.ts';
import { onContainer } from './on-container.ts';

/** Node fires longer timers at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const SIGKILL = 9;

/** start, stop, restart, kill, rm. */
export function containerControlRoutes(app: FastifyInstance, context: ApiContext): void {
  const { backend } = context;

  app.post(
    '/containers/:name/start',
    { preHandler: async (request) => refuseWishes(request) },
    onContainer(
      context,
      async (_request, reply, container) => {
        return reply.code((await start(context, container)) ? 204 : 304).send();
      },
      (container) => takePorts(context, container),
    ),
  );

  app.post(
    '/containers/:name/stop',
    onContainer(context, async (request, reply, container) => {
      const changed = await stop(context, container, request.query as Query);
      if (changed) noteOf(context, container, 'stop');
      return reply.code(changed ? 204 : 304).send();
    }),
  );

  app.post(
    '/containers/:name/restart',
    onContainer(
      context,
      async (request, reply, container) => {
        await stop(context, container, request.query as Query, true);
        try {
          await start(context, container);
        } catch (error) {
          if (container.request.autoRemove) await removeEnded(context, container);
          throw error;
        }
        noteOf(context, container, 'restart');
        return reply.code(204).send();
      },
      (container) => takePorts(context, container),
    ),
  );

  app.post(
    '/containers/:name/kill',
    onContainer(context, async (request, reply, container) => {
      const { containerId } = container.request;
      const signal = signalOf(request.query as Query) ?? 'SIGKILL';
      const watch = watchEnd(backend, container, 'next-exit');
      try {
        noteSignal(context, container, signal);
        const result = await backend.command({ kind: 'kill', containerId, signal });
        if (!result.ok && result.error.code === 'wrong-state' && !hasEnded(container, backend.container(containerId))) {
          throw new ApiError(409, `cannot kill container: ${containerId}: container ${containerId} is not running`);
        }
        if (result.ok || result.error.code !== 'wrong-state') accept(result);
        // Docker answers SIGKILL once the end is seen: who inspects next finds it ended. Any other signal may end nothing.
        if (signalNumber(signal) === SIGKILL) await seeEnd(context, containerId, watch, API_LIMITS.stopSlackMs, 'was killed');
      } finally {
        watch.stop();
      }
      return reply.code(204).send();
    }),
  );

  app.delete(
    '/containers/:name',
    onContainer(context, async (request, reply, container) => {
      const query = request.query as Query;
      if (flagOf(query, 'link')) throw new ApiError(501, 'Caravela does not have links: link=1 can remove none');
      const { name } = container;
      const { containerId } = container.request;
      if (flagOf(query, 'force')) noteSignal(context, container, 'SIGKILL');
      const result = await backend.command({ kind: 'remove', containerId, force: flagOf(query, 'force'), volumes: flagOf(query, 'v') });
      if (!result.ok && result.error.code === 'wrong-state') {
        throw new ApiError(
          409,
          `cannot remove container "/${name}": container is ${statusOf(container)}: ${statusOf(container) === 'paused' ? 'unpause and ' : ''}stop the container before removing or force remove`,
        );
      }
      accept(result);
      return reply.code(204).send();
    }),
  );
}

/** @throws ApiError 500, as Docker, which finds only then that a port is another's */
async function takePorts({ backend }: ApiContext, container: ContainerId): Promise<void> {
  try {
    await backend.networks.startingPorts(container);
  } catch (error) {
    throw error instanceof NetworkRefused ? new ApiError(500, error.message) : error;
  }
}

/** As short an object says nothing: clients send `{}` or `null` with a start. */
const EMPTY_BODY_BYTES = 7;

/**
 * What a container is to be like is said when it is created. Old clients say it when it is started, and would take it for
 * done. @throws ApiError 400, as Docker for a body of more than a few bytes or of a length that it is not told
 */
function refuseWishes({ headers }: FastifyRequest): void {
  if (Number(headers['content-length'] ?? 0) <= EMPTY_BODY_BYTES && headers['transfer-encoding'] === undefined) return;
  throw new ApiError(
    400,
    'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24: say it when it is created',
  );
}

/** @returns whether it did not run before */
async function start({ backend }: ApiContext, container: Container): Promise<boolean> {
  const { containerId } = container.request;
  const watch = watchEnd(backend, container, 'removed');
  const result = await backend.command({ kind: 'start', containerId });
  const now = backend.container(containerId);
  // It removes itself: whoever is told that it could not be started finds nothing of it, as with Docker.
  if (!result.ok && now?.desired === 'removed') await within(watch.ended, API_LIMITS.stopSlackMs);
  watch.stop();
  if (!result.ok && now?.task?.paused === true) throw new ApiError(409, 'cannot start a paused container, try unpause instead');
  return isIdle(result, now, true) ? false : accept(result);
}

/** One that removes itself was kept for a start that came to nothing. */
async function removeEnded({ backend }: ApiContext, { request: { containerId } }: Container): Promise<void> {
  const task = backend.container(containerId)?.task;
  if (task?.state === 'exited') await backend.command({ kind: 'remove', containerId, force: false, volumes: true });
}

/**
 * Stops and waits until the end is seen, as Docker does.
 * @param keep it is to be started again
 * @returns whether it ran
 */
async function stop(context: ApiContext, container: Container, query: Query, keep = false): Promise<boolean> {
  const { backend } = context;
  const { containerId, stopTimeoutMs } = container.request;
  const seconds = wholeOf(query, 't');
  // Docker: a negative time waits for ever; nothing here does.
  const timeoutMs = seconds === undefined || seconds < 0 ? undefined : seconds * 1000;
  const watch = watchEnd(backend, container, 'next-exit');
  try {
    noteSignal(context, container, signalOf(query) ?? (container.request.stopSignal || 'SIGTERM'));
    const result = await backend.command({ kind: 'stop', containerId, timeoutMs, signal: signalOf(query), keep });
    const now = backend.container(containerId);
    if (isIdle(result, now, false)) return false;
    accept(result);
    const limitMs = (timeoutMs ?? stopTimeoutMs) + API_LIMITS.stopSlackMs;
    await seeEnd(context, containerId, watch, limitMs, 'was told to stop');
    return true;
  } finally {
    watch.stop();
  }
}

/**
 * Of a container that can't be sent a signal: whether it ran when that was asked for. An end of its own that came first is
 * as good, as Docker has it; not so a start under way, after which it would run.
 */
function hasEnded(before: Container, now: Container | undefined): boolean {
  return isUnderWay(before) && ![before, now].some((each) => each?.task?.state === 'pending' || each?.task?.state === 'starting');
}

/** Waits until the end is seen. @throws ApiError 500 after `limitMs` */
async function seeEnd({ backend }: ApiContext, id: ContainerId, watch: EndWatch, limitMs: number, what: string): Promise<void> {
  const now = backend.container(id);
  if (now === undefined || !isUnderWay(now) || (await within(watch.ended, limitMs))) return;
  throw new ApiError(500, `container ${id} ${what} and has not ended after ${limitMs / 1000} s; try kill, or rm --force`);
}

/** Told before: its end, which it may bring at once, comes after. */
function noteSignal(context: ApiContext, container: Container, signal: string): void {
  if (container.task?.state === 'running') noteOf(context, container, 'kill', { signal: String(signalNumber(signal) ?? signal) });
}

function noteOf(context: ApiContext, { request }: Container, action: string, attributes: Readonly<Record<string, string>> = {}): void {
  context.note({ type: 'container', action, id: request.containerId, attributes });
}

/** Refused because the container is in the state asked for already: Docker's 304. */
function isIdle(result: Result, now: Container | undefined, running: boolean): boolean {
  return !result.ok && result.error.code === 'wrong-state' && now !== undefined && isUnderWay(now) === running;
}

/** @throws ApiError */
function accept(result: Result): true {
  if (result.ok) return true;
  throw fromCoreError(result.error, result.placement);
}

/** A name or a number; anything else must not reach the engine. @throws ApiError 400 */
function signalOf(query: Query): string | undefined {
  const text = textOf(query, 'signal');
  if (text === '') return undefined;
  if (signalNumber(text) === undefined) throw new ApiError(400, `Invalid signal: ${text.slice(0, 40)}`);
  return text;
}

async function within(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.min(limitMs, LONGEST_TIMER_MS));
  });
  try {
    return await Promise.race([promise.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}
