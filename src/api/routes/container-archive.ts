import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PATH_STAT_HEADER, type PathStatHeader } from '../../docker-api/types.ts';
import { FileError, type PathStat } from '../../engine/port.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { flagOf, type Query, textOf } from '../http/query.ts';
import { TAR, tarReply } from '../http/tar-reply.ts';
import { nameIn, onContainer } from './on-container.ts';

/** `docker cp`, both ways. */
export function containerArchiveRoutes(app: FastifyInstance, context: ApiContext): void {
  const { access } = context.backend;
  const path = '/containers/:name/archive';

  app.head(
    path,
    onContainer(context, async (request, reply, { request: { containerId } }) => {
      const stat = await inContainer(request, access.statPath(containerId, pathIn(request.query as Query)));
      return reply.header(PATH_STAT_HEADER, statText(stat)).type('application/json').send();
    }),
  );

  app.get(
    path,
    onContainer(context, async (request, reply, { request: { containerId } }) => {
      const wanted = pathIn(request.query as Query);
      return tarReply(context, reply, async (signal) => {
        const { stat, stream } = await inContainer(request, access.readArchive(containerId, wanted, signal));
        context.note({ type: 'container', action: 'archive-path', id: containerId });
        return { stream, headers: { 'content-type': TAR, [PATH_STAT_HEADER]: statText(stat) } };
      });
    }),
  );

  app.put(
    path,
    onContainer(context, async (request, reply, { request: { containerId } }) => {
      const query = request.query as Query;
      const wanted = pathIn(query);
      const archive = request.body as Readable | undefined;
      if (archive === undefined) throw new ApiError(400, 'the body must be a tar archive (plain, gzip or zstd), got none');
      const leave = context.enter();
      try {
        const options = { noOverwriteDirNonDir: flagOf(query, 'noOverwriteDirNonDir'), copyUidGid: flagOf(query, 'copyUIDGID') };
        await inContainer(request, access.writeArchive(containerId, wanted, archive, options));
      } finally {
        leave();
      }
      context.note({ type: 'container', action: 'extract-to-dir', id: containerId });
      return reply.code(200).send();
    }),
  );
}

/** Says of a path that is not there where it is not, as Docker: by the word that was asked for. @throws ApiError 404, and what `work` throws */
async function inContainer<Found>(request: FastifyRequest, work: Promise<Found>): Promise<Found> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof FileError && error.code === 'no-such-path')) throw error;
    throw new ApiError(404, `${error.message} in container ${nameIn(request)}`);
  }
}

/** @throws ApiError 400 */
function pathIn(query: Query): string {
  const path = textOf(query, 'path');
  if (path === '') throw new ApiError(400, 'bad parameter: path cannot be empty');
  if (path.includes('\0')) throw new ApiError(400, `a path can't hold a NUL byte, got ${JSON.stringify(path.slice(0, 80))}`);
  return path;
}

function statText({ name, sizeBytes, mode, modifiedAtMs, linkTarget }: PathStat): string {
  const stat: PathStatHeader = { name, size: sizeBytes, mode, mtime: new Date(modifiedAtMs).toISOString(), linkTarget };
  return Buffer.from(JSON.stringify(stat)).toString('base64');
}
