import type { Readable, Writable } from 'node:stream';
import type { Client } from '../../docker-api/client.ts';
import { jsonLines } from '../../docker-api/json-lines.ts';
import type { ProgressMessage } from '../../docker-api/types.ts';
import { tryAuthHeadersFor } from '../credentials/auth-header.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { parseReference, tagOrDigest } from '../parse/reference.ts';
import { barProgress, plainProgress } from './progress.ts';

export interface Showing {
  /** Undefined: nothing is shown. */
  readonly to: Writable | undefined;
  readonly tty: boolean;
}

export interface PullWish {
  readonly image: string;
  /** `os/arch[/variant]`; undefined: each node's own. */
  readonly platform?: string | undefined;
  /** All that the repository has; the image is then written without a tag. */
  readonly allTags?: boolean;
}

/** Pulls on the node that was asked, with the credentials of Docker's config. @throws Failure with the registry's or daemon's words */
export async function pullImage(client: Client, io: Io, { image, platform, allTags }: PullWish, showing: Showing): Promise<void> {
  const reference = parseReference(image);
  const query = { fromImage: reference.name, tag: allTags === true ? undefined : tagOrDigest(reference), platform };
  const headers = await tryAuthHeadersFor(io, image);
  await showProgress(await client.stream('POST', '/images/create', { query, headers }), showing);
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
