import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Container, ContainerId } from '../../core/model/index.ts';
import type { ApiContext } from '../context.ts';
import { locate } from '../instance/locate.ts';
import { proxy } from '../instance/proxy.ts';
import { scopeOf } from '../instance/scope.ts';

export type ContainerHandler = (request: FastifyRequest, reply: FastifyReply, container: Container) => Promise<unknown>;

/** The segment that names the container, in each path that has one. */
const NAMED = /^(\/containers|\/caravela\/v1\/explain)\/[^/?]+/;

/**
 * A route about one container: answered here where it is here, else by the node that has it.
 * @param before done by each node that is asked, before
 */
export function onContainer(context: ApiContext, handler: ContainerHandler, before?: (container: ContainerId) => Promise<void>) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const found = await locate(context, nameIn(request), scopeOf(request));
    await before?.(found.at === 'here' ? found.container.request.containerId : found.id);
    if (found.at === 'here') return handler(request, reply, found.container);
    await proxy(context, found.node, pathWithId(request, found.id), request, reply);
    return reply;
  };
}

export const nameIn = (request: FastifyRequest): string => (request.params as { name: string }).name;

export const pathWithId = (request: FastifyRequest, id: string): string => request.url.replace(NAMED, `$1/${id}`);
