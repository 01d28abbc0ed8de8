import type { FastifyInstance } from 'fastify';
import type { DistributionInspect } from '../../docker-api/types.ts';
import { ImageError } from '../../engine/port.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { goneSignal } from '../http/pump.ts';
import { parseReference, referenceText } from '../images/reference.ts';
import { credentialsOf } from '../images/registry-auth.ts';

/** What a registry has under a name, asked from this node. */
export function distributionRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get('/distribution/*', async (request, reply): Promise<DistributionInspect> => {
    const [, name = ''] = /^(.+)\/json$/.exec((request.params as { '*': string })['*']) ?? [];
    if (name === '') throw new ApiError(404, 'page not found');
    const reference = referenceText(parseReference(name));
    const credentials = credentialsOf(request.headers['x-registry-auth']);
    try {
      const { signal } = goneSignal(reply.raw);
      const { digest, mediaType, sizeBytes, platforms } = await context.backend.images.distribution(reference, credentials, signal);
      return {
        Descriptor: { mediaType, digest, size: sizeBytes },
        Platforms: platforms.map(({ architecture, os, variant }) => ({ architecture, os, ...(variant === '' ? {} : { variant }) })),
      };
    } catch (error) {
      // Docker's document has one answer for both.
      if (error instanceof ImageError && ['denied', 'not-found'].includes(error.code)) throw new ApiError(401, error.message);
      throw error;
    }
  });
}
