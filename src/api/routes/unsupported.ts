import type { FastifyInstance, HTTPMethods } from 'fastify';
import { ApiError } from '../http/api-error.ts';

/** Docker's routes that this version does not have, each with what it would do. The rest of the world is 404. */
const UNSUPPORTED: readonly (readonly [HTTPMethods, string, string])[] = [
  ['GET', '/containers/:name/top', 'list the processes of a container'],
  ['GET', '/containers/:name/changes', 'list the changes in a container’s file system'],
  ['GET', '/containers/:name/export', 'export a container’s file system'],
  ['GET', '/containers/:name/stats', 'measure a container'],
  ['POST', '/containers/:name/update', 'change the limits of a container'],
  ['POST', '/containers/:name/rename', 'rename a container'],
  ['POST', '/containers/:name/pause', 'pause a container'],
  ['POST', '/containers/:name/unpause', 'pause a container'],
  ['GET', '/containers/:name/attach/ws', 'attach over a web socket'],
  ['GET', '/containers/:name/archive', 'copy files out of a container'],
  ['HEAD', '/containers/:name/archive', 'copy files out of a container'],
  ['PUT', '/containers/:name/archive', 'copy files into a container'],
  ['POST', '/containers/:name/exec', 'execute a command in a running container'],
  ['POST', '/exec/:id/start', 'execute a command in a running container'],
  ['POST', '/exec/:id/resize', 'execute a command in a running container'],
  ['GET', '/exec/:id/json', 'execute a command in a running container'],
  ['POST', '/containers/prune', 'prune containers'],
  ['POST', '/images/prune', 'prune images'],
  ['GET', '/images/search', 'search a registry'],
  ['GET', '/images/get', 'save images to an archive'],
  ['POST', '/images/*', 'tag or push images'],
  ['POST', '/build', 'build images'],
  ['POST', '/build/prune', 'build images'],
  ['POST', '/build/cancel', 'build images'],
  ['POST', '/commit', 'make an image of a container'],
  ['GET', '/system/df', 'tell how much room things take'],
  ['POST', '/session', 'build images'],
  ['PUT', '/volumes/:name', 'make volumes'],
  ['DELETE', '/volumes/:name', 'make volumes'],
  ['POST', '/volumes/create', 'make volumes'],
  ['POST', '/volumes/prune', 'make volumes'],
  ['POST', '/plugins/*', 'install plugins'],
  ['DELETE', '/plugins/*', 'install plugins'],
  ['GET', '/distribution/*', 'ask a registry about an image'],
];

/** Docker's orchestration: Caravela is another. */
const SWARM = ['swarm', 'nodes', 'services', 'tasks', 'secrets', 'configs'];

export function unsupportedRoutes(app: FastifyInstance): void {
  for (const [method, url, what] of UNSUPPORTED) {
    app.route({ method, url, handler: refusal(`Caravela can't ${what} yet`) });
  }
  for (const family of SWARM) {
    const handler = refusal(`Caravela does not have Docker's ${family}: it places containers by itself`);
    for (const url of [`/${family}`, `/${family}/*`]) app.route({ method: ['GET', 'POST', 'DELETE'], url, handler });
  }
}

const refusal = (sentence: string) => async (): Promise<never> => {
  throw new ApiError(501, sentence);
};
