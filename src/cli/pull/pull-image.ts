import type { Readable, Writable } from 'node:stream';
import type { Client } from '../../docker-api/client.ts';
import { jsonLines } from '../../docker-api/json-lines.ts';
import type { ProgressMessage } from '../../docker-api/types.ts';
import { Failure } from '../failure.ts';
import { barProgress, plainProgress } from './progress.ts';
import { splitReference } from './split-reference.ts';

export interface Showing {
  /** Undefined: nothing is shown. */
  readonly to: Writable | undefined;
  readonly tty: boolean;
}

/** Pulls on the node that was asked. @throws Failure with the registry's or daemon's words */
export async function pullImage(client: Client, reference: string, showing: Showing): Promise<void> {
  const { repository, tag } = splitReference(reference);
  await showProgress(await client.stream('POST', '/images/create', { query: { fromImage: repository, tag } }), showing);
}

/** Shows a stream of progress to its end; an error in it is one. */
export async function showProgress(stream: Readable, { to, tty }: Showing): Promise<void> {
  const progress = to === undefined ? undefined : tty ? barProgress(to) : plainProgress(to);
  for await (const message of jsonLines<ProgressMessage>(stream)) {
    const error = message.errorDetail?.message ?? message.error;
    if (error !== undefined) throw new Failure(error);
    progress?.show(message);
  }
}
