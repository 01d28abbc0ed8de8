import type { Client } from '../../docker-api/client.ts';
import { ApiError } from '../../docker-api/errors.ts';
import type { Io } from '../io.ts';
import { pullImage } from '../pull/pull-image.ts';
import type { ContainerOptions } from './container-options.ts';

/** Asks, pulling on the node that was asked what nobody in the instance has, or all before where `--pull always` says so. */
export async function pullMissing<T>(
  client: Client,
  io: Io,
  options: ContainerOptions,
  images: readonly string[],
  ask: () => Promise<T>,
): Promise<T> {
  const progress = options.quiet === true ? undefined : io.stderr;
  const wanted = new Set(images);
  const pull = (image: string): Promise<void> =>
    pullImage(client, io, { image, platform: options.platform }, { to: progress, tty: io.stderrIsTty });
  if (options.pull === 'always') for (const image of wanted) await pull(image);
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const missing = error instanceof ApiError && error.status === 404 ? missingOf(error, images) : undefined;
      // Each is pulled once: one that is missing still is not to be had.
      if (missing === undefined || options.pull !== 'missing' || !wanted.delete(missing)) throw error;
      progress?.write(`${missing} is not known here yet: pulling it\n`);
      await pull(missing);
    }
  }
}

/** A daemon that does not name it can only mean the one there is. */
function missingOf(error: ApiError, images: readonly string[]): string | undefined {
  return error.body?.missingImage ?? (images.length === 1 ? images[0] : undefined);
}
