import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ExecCreated } from '../../docker-api/types.ts';
import { EXEC_CREATE_BODY, EXEC_START_BODY, type ExecStartBody } from '../containers/exec/exec-body.ts';
import { execInspect } from '../containers/exec/exec-inspect.ts';
import { type Exec, noSuchExec, nodeOfExec } from '../containers/exec/exec-registry.ts';
import { serveExec } from '../containers/exec/serve-exec.ts';
import { execWish } from '../containers/exec/exec-wish.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { jsonOf } from '../http/body.ts';
import { checked } from '../http/check.ts';
import { openChannel } from '../http/channel.ts';
import { streamType } from '../http/content-type.ts';
import { cutOff } from '../http/cut-off.ts';
import { ownTurn } from '../http/own-turn.ts';
import { type Query, textOf } from '../http/query.ts';
import { sizeOf, sizeOfPair } from '../http/terminal-size.ts';
import { takesOver } from '../http/take-over.ts';
import { wantsUpgrade } from '../http/upgrade.ts';
import { proxy, proxyJson } from '../instance/proxy.ts';
import { proxyChannel } from '../instance/proxy-channel.ts';
import { scopeOf } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';
import { onContainer } from './on-container.ts';

/** Between nodes the start's body is the process's input: what the client's body said goes along in the query. */
const START_KEY = 'start';

/** `docker exec`: create, start, resize, inspect. */
export function execRoutes(app: FastifyInstance, context: ApiContext): void {
  const { execs } = context;

  app.post(
    '/containers/:name/exec',
    onContainer(context, async (request, reply, container) => {
      const body = checked(EXEC_CREATE_BODY, (await jsonOf(request, API_LIMITS.jsonBodyBytes)) ?? {}, 'the body');
      const { id } = execs.create(container.request.containerId, execWish(body));
      return reply.code(201).send({ Id: id } satisfies ExecCreated);
    }),
  );

  app.get(
    '/exec/:id/json',
    onExec(context, async (_request, _reply, exec) => execInspect(exec)),
  );

  app.post(
    '/exec/:id/resize',
    onExec(context, async (request, reply, exec) => {
      const size = sizeOf(request.query as Query);
      if (size.rows > 0 && size.columns > 0) await execs.resize(exec, size);
      return reply.code(200).send();
    }),
  );

  app.post('/exec/:id/start', { preHandler: ownTurn }, async (request, reply) => {
    const there = nodeElsewhere(context, request);
    const start = await startBody(request);
    if (there === undefined) return startHere(context, request, reply, start);
    const isStream = wantsUpgrade(request) || (takesOver(request) && start.Detach !== true);
    if (!isStream) return proxyJson(context, there, request.url, start, request, reply);
    const query = `${START_KEY}=${encodeURIComponent(JSON.stringify(start))}`;
    await proxyChannel(context, there, `${request.url.split('?')[0]}?${query}`, request, reply);
    return reply;
  });
}

async function startBody(request: FastifyRequest): Promise<ExecStartBody> {
  const passedOn = scopeOf(request) === 'node' ? textOf(request.query as Query, START_KEY) : '';
  const body = passedOn === '' ? await jsonOf(request, API_LIMITS.jsonBodyBytes) : parsed(passedOn);
  const start = checked(EXEC_START_BODY, body ?? {}, 'the body');
  if (start.Tty !== true && sizeOfPair(start.ConsoleSize) !== undefined) {
    throw new ApiError(400, 'ConsoleSize is only of use with Tty: this exec is started without a terminal');
  }
  return start;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, `the start of an exec must be JSON, got ${text.slice(0, 80)}`);
  }
}

async function startHere(context: ApiContext, request: FastifyRequest, reply: FastifyReply, start: ExecStartBody): Promise<FastifyReply> {
  const { execs } = context;
  const exec = execs.get(idIn(request));
  const size = sizeOfPair(start.ConsoleSize);
  if (start.Detach === true) {
    (await execs.start(exec, size)).detach();
    return reply.code(200).send();
  }
  const leave = context.enter();
  try {
    const raw = start.Tty === true;
    execs.mayStart(exec);
    const channel = openChannel(request, reply, streamType(request, raw));
    await cutOff(context.backend, exec.container, channel, serveExec(execs, exec, { size, raw }, channel));
    channel.finish();
  } finally {
    leave();
  }
  return reply;
}

type ExecHandler = (request: FastifyRequest, reply: FastifyReply, exec: Exec) => Promise<unknown>;

/** A route about one exec: answered by the node that has its container. */
function onExec(context: ApiContext, handler: ExecHandler) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const there = nodeElsewhere(context, request);
    if (there === undefined) return handler(request, reply, context.execs.get(idIn(request)));
    await proxy(context, there, request.url, request, reply);
    return reply;
  };
}

/** undefined: this node's. @throws ApiError 404 */
function nodeElsewhere({ backend }: ApiContext, request: FastifyRequest) {
  const id = idIn(request);
  const node = nodeOfExec(id);
  if (node === backend.self().id) return undefined;
  const isKnown = scopeOf(request) === 'instance' && backend.members().some((m) => m.id === node && m.state !== 'left');
  if (node === undefined || !isKnown) throw noSuchExec(id);
  return node;
}

const idIn = (request: FastifyRequest): string => (request.params as { id: string }).id;
