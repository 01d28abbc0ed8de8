import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { goneSignal } from '../http/pump.ts';
import { allOf, type Query, textOf } from '../http/query.ts';
import { changedConfig } from './changes.ts';
import { newName } from './names.ts';
import { platformOf } from './platform.ts';
import { ProgressStream } from './progress-stream.ts';
import { familiarReference } from './reference.ts';

/** An image of a root file system: of the body (`fromSrc=-`), or of what a URL leads to. @throws ApiError 400 */
export async function importImage(context: ApiContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const query = request.query as Query;
  const reference = newName(textOf(query, 'repo'), textOf(query, 'tag'));
  const platform = platformOf(textOf(query, 'platform'));
  const config = changedConfig({}, allOf(query, 'changes'));
  const source = textOf(query, 'fromSrc');
  const leave = context.enter();
  const stream = new ProgressStream(reply);
  const { signal } = goneSignal(reply.raw);
  try {
    const root = source === '-' ? (request.body as Readable | undefined) : await download(source, signal);
    if (root === undefined) throw new ApiError(400, 'the body must be a tar archive of a root file system, got none');
    if (source !== '-') stream.line({ status: `Downloading from ${source}` });
    const wish = { reference, author: '', comment: textOf(query, 'message') || 'Imported from -', config };
    const { id } = await context.backend.images.importRoot(root, wish, platform, signal);
    const name = reference === '' ? id : familiarReference(reference);
    context.note({ type: 'image', action: 'import', id, attributes: { name } });
    stream.line({ status: id });
  } catch (error) {
    stream.fail(error);
  } finally {
    leave();
  }
  stream.end();
}

/** As Docker's daemon takes them, a name without a scheme is one of HTTP. @throws ApiError 400, 500 */
async function download(source: string, signal: AbortSignal): Promise<Readable> {
  const url = URL.parse(source.includes('://') ? source : `http://${source}`);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new ApiError(400, `fromSrc must be - or a URL of http or https, got ${JSON.stringify(source.slice(0, 120))}`);
  }
  try {
    const response = await fetch(url, { signal });
    if (response.ok && response.body !== null) return Readable.fromWeb(response.body);
    await response.body?.cancel();
    throw new Error(`it answered ${response.status}`);
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    const why = cause instanceof Error ? cause.message : error instanceof Error ? error.message : String(error);
    throw new ApiError(500, `${url.href} can't be read: ${why}`);
  }
}
