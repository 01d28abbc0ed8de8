import { Integer, Object as ObjectOf } from 'typebox';
import { Check } from 'typebox/schema';
import type { FastifyInstance } from 'fastify';
import type { DiskUsage, Info } from '../../docker-api/types.ts';
import type { ApiContext } from '../context.ts';
import type { Query } from '../http/query.ts';
import { askAll } from '../instance/ask.ts';
import { nameSilent, scopeOf } from '../instance/scope.ts';
import { countImages } from '../images/list.ts';
import { diskUsage } from '../system/disk-usage.ts';
import { nodeRows, ownRow } from '../system/node-rows.ts';
import { infoOf, nodeInfo, type NodeCounts } from '../system/info.ts';
import { versionBody } from '../system/version-body.ts';

/** The part of a peer's info that is summed up. */
const PEER_INFO = ObjectOf({
  Containers: Integer(),
  ContainersRunning: Integer(),
  ContainersPaused: Integer(),
  ContainersStopped: Integer(),
  Images: Integer(),
  NCPU: Integer(),
  MemTotal: Integer(),
});

/** ping, version, info, df. */
export function systemRoutes(app: FastifyInstance, context: ApiContext): void {
  const { backend } = context;
  const uncached = {
    'cache-control': 'no-cache, no-store, must-revalidate',
    pragma: 'no-cache',
    // The one that is built in, for clients that ask which: its route says that there is none.
    'builder-version': '1',
    swarm: 'inactive',
  };

  app.get('/_ping', async (_request, reply) => reply.headers(uncached).type('text/plain; charset=utf-8').send('OK'));
  app.head('/_ping', async (_request, reply) => reply.headers(uncached).type('text/plain; charset=utf-8').send());
  app.get('/version', async () => versionBody(backend));

  app.get('/system/df', async (request, reply): Promise<DiskUsage> => {
    const { usage, silent } = await diskUsage(context, request.query as Query, scopeOf(request));
    nameSilent(reply, silent);
    return usage;
  });

  app.get('/info', async (request, reply): Promise<Info> => {
    const own = await nodeInfo(backend);
    if (scopeOf(request) === 'node') return infoOf(backend, own, [ownRow(backend)]);
    const [asked, nodes, images] = await Promise.all([askAll(backend, { path: '/info' }), nodeRows(backend), countImages(backend)]);
    const peers = asked.answers.flatMap((answer) => (Check(PEER_INFO, answer.body) ? [answer.body] : []));
    nameSilent(reply, asked.silent);
    return infoOf(backend, { ...sumOf([own, ...peers]), Images: images }, nodes.rows);
  });
}

function sumOf(all: readonly NodeCounts[]): Omit<NodeCounts, 'Images'> {
  const sum = (key: keyof NodeCounts): number => all.reduce((total, one) => total + one[key], 0);
  return {
    Containers: sum('Containers'),
    ContainersRunning: sum('ContainersRunning'),
    ContainersPaused: sum('ContainersPaused'),
    ContainersStopped: sum('ContainersStopped'),
    NCPU: sum('NCPU'),
    MemTotal: sum('MemTotal'),
  };
}
