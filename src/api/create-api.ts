import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { ErrorBody } from '../docker-api/types.ts';
import { MAX_API_VERSION } from '../docker-api/types.ts';
import { EngineError, FileError, ImageError, VolumeError } from '../engine/port.ts';
import type { Backend } from './backend.ts';
import { placementRow } from './containers/placement.ts';
import { ApiContext } from './context.ts';
import { ApiError, fromEngineError, fromFileError, fromImageError, fromNetworkRefused, fromVolumeError } from './http/api-error.ts';
import { noteTurns } from './http/own-turn.ts';
import { acceptUpgrades, type UpgradedConnections } from './http/upgrade.ts';
import { isTooOld, versionOf, withoutVersion } from './http/version.ts';
import { SCOPE_HEADER } from './instance/scope.ts';
import { API_LIMITS } from './limits.ts';
import { NetworkRefused } from './network-service.ts';
import { listenOnSocket, type SocketOptions } from './listen.ts';
import { agreementRoutes } from './routes/agreement.ts';
import { authRoutes } from './routes/auth.ts';
import { builtInRoutes } from './routes/built-in.ts';
import { caravelaRoutes } from './routes/caravela.ts';
import { containerArchiveRoutes } from './routes/container-archive.ts';
import { containerAttachRoutes } from './routes/container-attach.ts';
import { containerChangeRoutes } from './routes/container-change.ts';
import { containerCommitRoute } from './routes/container-commit.ts';
import { containerControlRoutes } from './routes/container-control.ts';
import { containerCreateRoute } from './routes/container-create.ts';
import { containerLookRoutes } from './routes/container-look.ts';
import { containerReadRoutes } from './routes/container-read.ts';
import { containerStreamRoutes } from './routes/container-streams.ts';
import { distributionRoutes } from './routes/distribution.ts';
import { eventRoutes } from './routes/events.ts';
import { execRoutes } from './routes/exec.ts';
import { imageArrivalRoutes } from './routes/image-arrivals.ts';
import { imageRoutes } from './routes/images.ts';
import { networkRoutes } from './routes/networks.ts';
import { stackRoutes } from './routes/stacks.ts';
import { systemRoutes } from './routes/system.ts';
import { unsupportedRoutes } from './routes/unsupported.ts';
import { volumeRoutes } from './routes/volumes.ts';
import { VolumesUnavailable } from './volume-service.ts';

export interface Api {
  readonly app: FastifyInstance;
  /** Serves clients on a unix socket of mode 0660. @throws Error where another daemon answers on it */
  listen(socketPath: string, options?: SocketOptions): Promise<void>;
  /** Answers an authenticated peer, under the path prefix `/api`, about this node only. */
  routeFromPeer(request: Http2ServerRequest, response: Http2ServerResponse): void;
  /** Stops listening; answers under way have a short time to end. */
  close(): Promise<void>;
}

const PEER_PREFIX = '/api';

/**
 * The REST server: Docker's Engine API over the whole instance, and /caravela/v1 (DESIGN §7). One set
 * of routes serves clients on the socket and peers over HTTP/2; only the scope differs.
 */
export async function createApi(backend: Backend): Promise<Api> {
  const context = new ApiContext(backend);
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    rewriteUrl: (request) => withoutVersion(request.url ?? '/'),
    routerOptions: { maxParamLength: API_LIMITS.pathParameterBytes },
    // Uploads of images take longer than any time-out for slow clients; only root's group gets here.
    serverFactory: (handler) => createServer({ requestTimeout: 0, headersTimeout: API_LIMITS.headersMs }, handler),
  });
  const server = app.server;
  server.maxConnections = API_LIMITS.connections;
  takeBodiesAsStreams(app);
  answerLikeDocker(app, backend);

  systemRoutes(app, context);
  containerReadRoutes(app, context);
  containerCreateRoute(app, context);
  containerControlRoutes(app, context);
  containerChangeRoutes(app, context);
  containerLookRoutes(app, context);
  containerArchiveRoutes(app, context);
  containerCommitRoute(app, context);
  containerStreamRoutes(app, context);
  containerAttachRoutes(app, context);
  execRoutes(app, context);
  imageRoutes(app, context);
  imageArrivalRoutes(app, context);
  distributionRoutes(app, context);
  authRoutes(app, context);
  volumeRoutes(app, context);
  eventRoutes(app, context);
  caravelaRoutes(app, context);
  agreementRoutes(app, context);
  stackRoutes(app, context);
  networkRoutes(app, context);
  builtInRoutes(app);
  unsupportedRoutes(app);
  await app.ready();
  noteTurns(server);
  const upgraded = acceptUpgrades(server, app);

  return {
    app,
    listen: (socketPath, options = {}) => listenOnSocket(server, socketPath, options),
    routeFromPeer: (request, response) => {
      const url = request.url;
      if (url !== PEER_PREFIX && !url.startsWith(`${PEER_PREFIX}/`)) {
        response.writeHead(404).end();
        return;
      }
      request.url = url.slice(PEER_PREFIX.length) || '/';
      request.headers[SCOPE_HEADER] = 'node';
      // HTTP/2's compatibility objects have the shape that the router asks for, streaming included.
      app.routing(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    },
    close: () => close(app, server, upgraded),
  };
}

/** Bodies are not parsed ahead: a request may be another node's to read. */
function takeBodiesAsStreams(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
}

/** Headers, errors and refusals as Docker's clients know them. */
function answerLikeDocker(app: FastifyInstance, backend: Backend): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'Api-Version': MAX_API_VERSION,
      'Docker-Experimental': 'false',
      Ostype: 'linux',
      Server: `Caravela/${backend.version} (linux)`,
    });
    versionOf(request.originalUrl);
  });
  // Docker's client takes a body for JSON only under exactly this type: the framework adds a charset.
  app.addHook('onSend', async (_request, reply) => {
    const type = reply.getHeader('content-type');
    if (typeof type === 'string' && type.startsWith('application/json;')) reply.header('content-type', 'application/json');
  });
  app.setNotFoundHandler(async (_request, reply) => reply.code(404).send({ message: 'page not found' } satisfies ErrorBody));
  app.setErrorHandler(async (error: FastifyError | Error, request, reply) => {
    const known = knownError(error);
    // Clients older than Docker's JSON errors show an answer as it is.
    if (isTooOld(request.originalUrl)) return reply.code(400).type('text/plain; charset=utf-8').send(`${known.message}\n`);
    if (known instanceof ApiError) {
      return reply.code(known.status).send(errorBody(backend, known));
    }
    const status = 'statusCode' in error && error.statusCode !== undefined ? error.statusCode : 500;
    if (status >= 500)
      backend.log('error', 'a request failed', { method: request.method, url: request.url, error: error.stack ?? error.message });
    return reply.code(status).send({ message: error.message } satisfies ErrorBody);
  });
}

function knownError(error: Error): Error {
  if (error instanceof ImageError) return fromImageError(error);
  if (error instanceof EngineError) return fromEngineError(error);
  if (error instanceof FileError) return fromFileError(error);
  if (error instanceof VolumeError) return fromVolumeError(error);
  if (error instanceof VolumesUnavailable) return new ApiError(503, error.message);
  return error instanceof NetworkRefused ? fromNetworkRefused(error) : error;
}

function errorBody(backend: Backend, { message, facts: { placement, missingImage } }: ApiError): ErrorBody {
  return {
    message,
    ...(placement === undefined ? {} : { placement: placementRow(backend, placement) }),
    ...(missingImage === undefined ? {} : { missingImage }),
  };
}

async function close(app: FastifyInstance, server: Server, upgraded: UpgradedConnections): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
  server.closeIdleConnections();
  const timer = setTimeout(() => {
    server.closeAllConnections();
    upgraded.destroyAll();
  }, API_LIMITS.closeGraceMs);
  await stopped;
  clearTimeout(timer);
  await app.close();
}
