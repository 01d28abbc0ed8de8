import type { FastifyInstance, HTTPMethods } from 'fastify';
import { ApiError } from '../http/api-error.ts';

/** Docker's routes that this version does not have, each with what it would do. The rest of the world is 404. */
const UNSUPPORTED: readonly (readonly [HTTPMethods, string, string])[] = [
  ['POST', '/plugins/*', 'install plugins'],
  ['DELETE', '/plugins/*', 'install plugins'],
];

const NO_BUILDER =
  'Caravela runs images and builds none: build with docker buildx, podman or buildah where the sources are, then push the image to a registry, or load it here (docker save IMAGE | caravela load)';
/** What clients ask of a builder. */
const BUILDER: readonly (readonly [HTTPMethods, string])[] = [
  ['POST', '/build'],
  ['POST', '/build/cancel'],
  ['POST', '/session'],
  ['POST', '/grpc'],
];

/** Docker's orchestration: Caravela is another. */
const SWARM = ['swarm', 'nodes', 'services', 'tasks', 'secrets', 'configs'];
const MAKES_SWARM = ['/swarm/init', '/swarm/join'];

export function unsupportedRoutes(app: FastifyInstance): void {
  for (const [method, url, what] of UNSUPPORTED) {
    app.route({ method, url, handler: refusal(`Caravela can't ${what} yet`) });
  }
  for (const [method, url] of BUILDER) app.route({ method, url, handler: refusal(NO_BUILDER) });
  for (const url of MAKES_SWARM) app.post(url, refusal(`Caravela does not have Docker's swarm: it places containers by itself`));
  for (const family of SWARM) {
    // As a Docker that is in no swarm answers: clients that leave one to be sure take it for done.
    const handler = refusal(
      `This node is not part of a swarm: Caravela places containers by itself and has none of Docker's ${family}`,
      503,
    );
    for (const url of [`/${family}`, `/${family}/*`]) app.route({ method: ['GET', 'POST', 'DELETE'], url, handler });
  }
}

const refusal =
  (sentence: string, status: 501 | 503 = 501) =>
  async (): Promise<never> => {
    throw new ApiError(status, sentence);
  };
