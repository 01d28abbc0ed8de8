import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { AgreedVersionRow, AgreementRow, RemovedNodeRow } from '../../docker-api/caravela-types.ts';
import { AgreementRefused } from '../agreement-service.ts';
import type { ApiContext } from '../context.ts';
import { ApiError, fromAgreementRefused } from '../http/api-error.ts';
import { readAll } from '../http/body.ts';
import { flagOf, type Query } from '../http/query.ts';
import { API_LIMITS } from '../limits.ts';

/** What the instance agrees on: how agreement does, its rescue, and who belongs to the instance. */
export function agreementRoutes(app: FastifyInstance, { backend }: ApiContext): void {
  const base = '/caravela/v1';

  app.get(`${base}/agreement`, async (): Promise<AgreementRow> => {
    const { version, members, troubles, ...status } = await backend.agreement.status();
    return { ...status, version: { ...version }, members: members.map((member) => ({ ...member })), troubles: [...troubles] };
  });

  app.get(`${base}/agreement/snapshot`, async (_request, reply) => {
    const snapshot = await agreeing(backend.agreement.snapshot());
    return reply.type('application/json').send(snapshot);
  });

  app.post(`${base}/agreement/restore`, async (request): Promise<AgreedVersionRow> => {
    const body = request.body as Readable | undefined;
    if (body === undefined) throw new ApiError(400, 'the body must be a snapshot, as "caravela agreement snapshot" writes it');
    const snapshot = await readAll(body, API_LIMITS.snapshotBytes);
    return { ...(await agreeing(backend.agreement.restore(snapshot))) };
  });

  app.post(`${base}/agreement/recover`, async (): Promise<AgreedVersionRow> => ({ ...(await agreeing(backend.agreement.recover())) }));

  app.post(`${base}/agreement/rotate-key`, async (_request, reply) => {
    await agreeing(backend.agreement.rotateKey());
    return reply.code(204).send();
  });

  app.delete(`${base}/nodes/:name`, async (request): Promise<RemovedNodeRow> => {
    const { name } = request.params as { name: string };
    const { id, name: removed, number } = await agreeing(backend.agreement.removeNode(name, flagOf(request.query as Query, 'force')));
    return { id, name: removed, number };
  });
}

/** @throws ApiError where it is refused, or no majority answers */
export async function agreeing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof AgreementRefused) throw fromAgreementRefused(error);
    if (error instanceof Error && error.name === 'AgreementUnavailable')
      throw new ApiError(
        503,
        `${error.message}.${mayHaveHappened(error) ? ' It may have been done all the same: look before you try again.' : ''}`,
      );
    throw error;
  }
}

const mayHaveHappened = (error: object): boolean => 'changed' in error && error.changed === 'unknown';
