import type { FastifyReply } from 'fastify';
import type { Command, Result } from '../../core/model/index.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';

/** A client that hangs up takes its run back: holds are given up before their time. */
export async function runUnlessGone(
  { backend }: ApiContext,
  run: Extract<Command, { readonly kind: 'run' | 'run-stack' | 'plan' }>,
  reply: FastifyReply,
): Promise<Result> {
  if (reply.raw.destroyed) throw new ApiError(500, 'the client hung up before its container was placed');
  const requestId = run.kind === 'run' ? run.request.id : run.stack.id;
  let over = false;
  const hungUp = (): void => {
    if (!over) backend.command({ kind: 'cancel-run', requestId }).catch(() => undefined);
  };
  reply.raw.once('close', hungUp);
  try {
    return await backend.command(run);
  } finally {
    over = true;
    reply.raw.off('close', hungUp);
  }
}
