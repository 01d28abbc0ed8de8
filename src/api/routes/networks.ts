import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AgreedNetwork, Container, ContainerId, NetworkId } from '../../core/model/index.ts';
import type { NetworkCreated, NetworkRow } from '../../docker-api/types.ts';
import { endpointOf } from '../containers/networking/check-networking.ts';
import { checkAddress } from '../containers/networking/settle-networking.ts';
import { specOf } from '../containers/facts.ts';
import type { Backend } from '../backend.ts';
import type { ApiContext } from '../context.ts';
import { notePruned } from '../events/note-pruned.ts';
import { ApiError } from '../http/api-error.ts';
import { readJson } from '../http/body.ts';
import { type Query, textOf } from '../http/query.ts';
import { locate } from '../instance/locate.ts';
import { proxy, proxyJson } from '../instance/proxy.ts';
import { nameSilent, namesOf, scopeOf } from '../instance/scope.ts';
import { API_LIMITS } from '../limits.ts';
import { askEndpoints } from '../networks/ask-endpoints.ts';
import { agreedOnly, findNetwork, noSuchNetwork } from '../networks/find-network.ts';
import { locateNetwork } from '../networks/locate-network.ts';
import { listNetworks, networkListOptions } from '../networks/list-networks.ts';
import { checkNetwork, connectBody, disconnectBody } from '../networks/network-body.ts';
import { networkDetails } from '../networks/network-row.ts';
import { isPredefined, LOCAL_ROWS, localNetworkId } from '../networks/predefined.ts';
import { pruneNetworks } from '../networks/prune-networks.ts';

/** Docker's networks. What is agreed is read here; who is on a network every node tells of itself. */
export function networkRoutes(app: FastifyInstance, context: ApiContext): void {
  const { backend } = context;

  // Docker's clients have asked with a slash at the end, too.
  for (const path of ['/networks', '/networks/']) {
    app.get(path, async (request, reply): Promise<NetworkRow[]> => {
      const options = networkListOptions(request.query as Query);
      if (options.dangling === undefined) return listNetworks(backend, options, new Set());
      const { endpoints, silent } = await askEndpoints(backend, undefined, scopeOf(request));
      nameSilent(reply, silent);
      return listNetworks(backend, options, new Set(endpoints.map(({ network }) => network)));
    });
  }

  app.get('/networks/:id', async (request, reply): Promise<NetworkRow> => {
    const found = await locateNetwork(context, wordIn(request), scopeOf(request));
    if (found.kind === 'local') return localRow(found.name);
    const { endpoints, silent } = await askEndpoints(backend, found.network.id, scopeOf(request));
    nameSilent(reply, silent);
    return networkDetails(backend, found.network, endpoints, silent.length === 0 ? [] : namesOf(silent).split(', '));
  });

  app.post('/networks/create', async (request, reply) => {
    const { wish, warnings } = checkNetwork(await bodyOf(request));
    const made = await backend.networks.create(wish);
    context.note({ type: 'network', action: 'create', id: made.id, attributes: { name: made.name, type: DRIVER } });
    return reply.code(201).send({ Id: made.id, Warning: warnings.join(' ') } satisfies NetworkCreated);
  });

  app.post('/networks/prune', async (request, reply) => {
    const removed = await pruneNetworks(backend, request.query as Query);
    notePruned(context, 'instance', 'network', 0);
    return reply.send({ NetworksDeleted: removed });
  });

  app.delete('/networks/:id', async (request, reply) => {
    const found = await locateNetwork(context, wordIn(request), scopeOf(request));
    const name = found.kind === 'local' ? found.name : found.network.name;
    if (found.kind === 'local' || isPredefined(name)) throw new ApiError(403, `${name} is a pre-defined network and cannot be removed`);
    await backend.networks.remove(found.network.id);
    context.note({ type: 'network', action: 'destroy', id: found.network.id, attributes: { name, type: DRIVER } });
    return reply.code(204).send();
  });

  app.post('/networks/:id/connect', async (request, reply) => {
    const body = connectBody(await bodyOf(request));
    const network = agreedOnly(await locateNetwork(context, wordIn(request), scopeOf(request)), 'be connected to it beside others');
    const { ip, aliases, mac, links } = endpointOf(network.name, body.EndpointConfig ?? {});
    if (ip !== '') checkAddress(ip, network);
    return onItsNode(context, request, reply, { network: network.id, word: body.Container, json: body }, async (container) => {
      refuseShared(container);
      await backend.networks.connect(container.request.containerId, network.id, {
        ip: ip === '' ? undefined : ip,
        aliases,
        mac: mac === '' ? undefined : mac,
        links,
      });
      noteEndpoint(context, container, 'connect', network);
    });
  });

  app.post('/networks/:id/disconnect', async (request, reply) => {
    const body = disconnectBody(await bodyOf(request));
    const word = wordIn(request);
    // A container that stands may still be on a network that was removed, and could not start: it can be taken off.
    const found = await locateNetwork(context, word, scopeOf(request)).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    });
    const network = found === undefined ? undefined : agreedOnly(found, 'be disconnected from it');
    return onItsNode(context, request, reply, { network: network?.id ?? word, word: body.Container, json: body }, async (container) => {
      const { containerId } = container.request;
      const id = network?.id ?? formerNetwork(backend, containerId, word);
      await backend.networks.disconnect(containerId, id, body.Force ?? false);
      noteEndpoint(context, container, 'disconnect', { id, name: network?.name ?? word });
    });
  });

  // What a peer is asked that may have heard of a network before the one that asks.
  app.get('/caravela/v1/networks/:id', async (request, reply) => {
    const found = findNetwork(backend, wordIn(request));
    return reply.send({ Id: found.kind === 'local' ? localNetworkId(found.name) : found.network.id });
  });

  app.get('/caravela/v1/endpoints', async (request, reply) => {
    const word = textOf(request.query as Query, 'network');
    const network = word === '' ? undefined : agreedOnly(findNetwork(backend, word), 'have an endpoint on it');
    const { endpoints, silent } = await askEndpoints(backend, network?.id, scopeOf(request));
    nameSilent(reply, silent);
    return endpoints;
  });

  app.get('/caravela/v1/network/doctor', async (request, reply) => {
    const word = textOf(request.query as Query, 'node');
    const self = backend.self();
    if (word === '' || word === self.name || word === self.id || scopeOf(request) === 'node') return backend.networks.doctor();
    const member = backend.members().find(({ id, name }) => id === word || name === word);
    if (member === undefined) throw new ApiError(404, `No such node: ${word.slice(0, 200)}; \`caravela nodes\` lists them`);
    await proxy(context, member.id, request.url, request, reply);
    return reply;
  });
}

/** As Docker's clients know networks that a host has to itself. */
const DRIVER = 'bridge';

/** One that stands joins with its start. */
function noteEndpoint(
  context: ApiContext,
  { request, task }: Container,
  action: string,
  { id, name }: Pick<AgreedNetwork, 'id' | 'name'>,
): void {
  if (task?.state !== 'running') return;
  context.note({ type: 'network', action, id, attributes: { container: request.containerId, name, type: DRIVER } });
}

const wordIn = (request: FastifyRequest): string => (request.params as { id: string }).id;

const bodyOf = (request: FastifyRequest): Promise<unknown> => readJson(request.body as Readable | undefined, API_LIMITS.jsonBodyBytes);

function localRow(name: string): NetworkRow {
  const row = LOCAL_ROWS.find(({ Name }) => Name === name);
  if (row === undefined) throw noSuchNetwork(name);
  return row;
}

/** Done by the node that has the container, which is asked by the container's id. */
async function onItsNode(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { network, word, json }: { readonly network: string; readonly word: string; readonly json: object },
  work: (container: Container) => Promise<void>,
): Promise<unknown> {
  const found = await locate(context, word, scopeOf(request));
  if (found.at === 'peer') {
    const path = request.url.replace(/^\/networks\/[^/?]+/, `/networks/${encodeURIComponent(network)}`);
    return proxyJson(context, found.node, path, { ...json, Container: found.id }, request, reply);
  }
  await work(found.container);
  return reply.code(200).send();
}

/** A network that there is no more, by its name or the beginning of its id. @throws ApiError 404 where the container is on none of these */
function formerNetwork({ networks }: Backend, id: ContainerId, word: string): NetworkId {
  const isShortId = /^[0-9a-f]{12,64}$/.test(word);
  const own = networks.endpointsOf(id).find(({ network, networkName }) => networkName === word || (isShortId && network.startsWith(word)));
  if (own === undefined) throw noSuchNetwork(word);
  return own.network;
}

/** @throws ApiError 403 where the container's network is not its own */
function refuseShared(container: Container): void {
  const { networkMode, networkOf } = specOf(container);
  if (networkMode === 'container') {
    throw new ApiError(
      403,
      `container ${container.name} has the network of container ${networkOf.slice(0, 12)} and cannot be connected to any other network`,
    );
  }
  if (networkMode === 'host')
    throw new ApiError(403, `container ${container.name} has its host's network and cannot be connected to any other network`);
}
