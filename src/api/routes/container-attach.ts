import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Container } from '../../core/model/index.ts';
import { EngineError } from '../../engine/port.ts';
import { specOf } from '../containers/facts.ts';
import { Attachment, attachWish } from '../containers/streams/attach.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { type Channel, openChannel } from '../http/channel.ts';
import { streamType } from '../http/content-type.ts';
import { cutOff } from '../http/cut-off.ts';
import { ownTurn } from '../http/own-turn.ts';
import { flagOf, type Query } from '../http/query.ts';
import { sizeOf } from '../http/terminal-size.ts';
import { goesRaw, skipBody } from '../http/take-over.ts';
import { checkWebSocket, openWebSocket } from '../http/websocket/websocket-channel.ts';
import { locate } from '../instance/locate.ts';
import { proxy } from '../instance/proxy.ts';
import { proxyChannel } from '../instance/proxy-channel.ts';
import { scopeOf } from '../instance/scope.ts';
import { nameIn, onContainer, pathWithId } from './on-container.ts';

/** Between nodes: output without frames, for a web socket. */
const RAW_KEY = 'raw';

/** attach, and resize, which goes with it. */
export function containerAttachRoutes(app: FastifyInstance, context: ApiContext): void {
  const { backend } = context;

  app.post('/containers/:name/attach', { preHandler: ownTurn }, async (request, reply) => {
    await skipBody(request);
    const found = await locate(context, nameIn(request), scopeOf(request));
    if (found.at === 'here') {
      const raw = specOf(found.container).tty || (scopeOf(request) === 'node' && flagOf(request.query as Query, RAW_KEY));
      return attachHere(context, request, reply, found.container, {
        raw,
        open: () => openChannel(request, reply, streamType(request, raw)),
      });
    }
    const path = pathWithId(request, found.id);
    await (goesRaw(request) ? proxyChannel : proxy)(context, found.node, path, request, reply);
    return reply;
  });

  app.get('/containers/:name/attach/ws', async (request, reply) => {
    const found = await locate(context, nameIn(request), scopeOf(request));
    const key = checkWebSocket(request);
    const open = (): Channel => openWebSocket(request, reply, key);
    if (found.at === 'here') return attachHere(context, request, reply, found.container, { raw: true, open });
    const path = pathWithId(request, found.id).replace('/attach/ws', '/attach');
    await proxyChannel(context, found.node, `${path}${path.includes('?') ? '&' : '?'}${RAW_KEY}=1`, request, reply, open);
    return reply;
  });

  app.post(
    '/containers/:name/resize',
    onContainer(context, async (request, reply, container) => {
      const size = sizeOf(request.query as Query);
      const { containerId } = container.request;
      if (container.task?.state !== 'running') throw notRunning(container);
      try {
        // Clients whose own terminal has no size say 0.
        if (size.rows > 0 && size.columns > 0) await backend.resize(containerId, size);
      } catch (error) {
        throw error instanceof EngineError && error.code === 'wrong-state' ? notRunning(container) : error;
      }
      const attributes = { height: String(size.rows), width: String(size.columns) };
      context.note({ type: 'container', action: 'resize', id: containerId, attributes });
      return reply.code(200).send();
    }),
  );
}

interface Opening {
  /** Output without frames. */
  readonly raw: boolean;
  /** Answers the client. */
  readonly open: () => Channel;
}

async function attachHere(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  container: Container,
  { raw, open }: Opening,
): Promise<FastifyReply> {
  const { containerId } = container.request;
  const note = (action: string): void => context.note({ type: 'container', action, id: containerId });
  const wish = attachWish(request.query as Query);
  if (container.task?.paused === true) throw new ApiError(409, `container ${containerId} is paused, unpause the container before attach`);
  const attachment = new Attachment(context.backend, container, { ...wish, raw }, () => note('detach'));
  const leave = context.enter();
  try {
    await attachment.open();
    note('attach');
    const channel = open();
    await cutOff(context.backend, containerId, channel, attachment.serve(channel));
    channel.finish();
  } catch (error) {
    throw error instanceof EngineError ? new ApiError(409, error.message) : error;
  } finally {
    attachment.close();
    leave();
  }
  return reply;
}

const notRunning = ({ request }: Container): ApiError => new ApiError(409, `container ${request.containerId} is not running`);
