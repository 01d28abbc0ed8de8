import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { NetworkRow } from '../../docker-api/types.ts';
import { ApiError } from '../http/api-error.ts';
import { filtersOf, type Query } from '../http/query.ts';

/**
 * What Docker's clients look up although nobody made any: `docker inspect NAME` asks for a network, a
 * volume and a plugin of that name before it says that there is none. The networks `none` and `host`
 * are on every node.
 */
export function builtInRoutes(app: FastifyInstance): void {
  app.get('/networks', async (request, reply) => reply.send(networksOf(request.query as Query)));
  app.get('/networks/:id', async (request, reply) => reply.send(networkOf((request.params as { id: string }).id)));
  app.get('/volumes', async (_request, reply) => reply.send({ Volumes: [], Warnings: [] }));
  app.get('/volumes/:name', async (request, _reply) => {
    throw new ApiError(404, `get ${(request.params as { name: string }).name}: no such volume`);
  });
  app.get('/plugins', async (_request, reply) => reply.send([]));
  app.get('/plugins/:name/json', async (request, _reply) => {
    throw new ApiError(404, `plugin ${JSON.stringify((request.params as { name: string }).name)} not found`);
  });
}

function networksOf(query: Query): readonly NetworkRow[] {
  const filters = [...filtersOf(query, ['name', 'id', 'driver', 'type', 'scope', 'label', 'dangling'])];
  return NETWORKS.filter((row) => filters.every(([key, values]) => values.some((value) => FILTERS[key]?.(row, value) === true)));
}

/** @throws ApiError 404 */
function networkOf(word: string): NetworkRow {
  const row = NETWORKS.find(({ Id, Name }) => Name === word || (word.length >= SHORTEST_PREFIX && Id.startsWith(word)));
  if (row === undefined) throw new ApiError(404, `network ${word} not found`);
  return row;
}

const SHORTEST_PREFIX = 4;

/** As Docker's: a part of the name, the beginning of the id, the others in full. */
const FILTERS: Readonly<Record<string, (row: NetworkRow, value: string) => boolean>> = {
  name: (row, value) => row.Name.includes(value),
  id: (row, value) => row.Id.startsWith(value),
  driver: (row, value) => row.Driver === value,
  scope: (row, value) => row.Scope === value,
  type: (_row, value) => value === 'builtin',
};

const NETWORKS: readonly NetworkRow[] = ['host', 'none'].map((name) => ({
  Name: name,
  // The same on every node, as the networks are.
  Id: createHash('sha256').update(`caravela network ${name}`).digest('hex'),
  Created: '0001-01-01T00:00:00Z',
  Scope: 'local',
  Driver: name === 'none' ? 'null' : name,
  EnableIPv6: false,
  IPAM: { Driver: 'default', Options: null, Config: [] },
  Internal: false,
  Attachable: false,
  Ingress: false,
  Containers: {},
  Options: {},
  Labels: {},
}));
