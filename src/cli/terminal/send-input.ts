import type { Readable, Writable } from 'node:stream';
import { DetachFilter } from '../../docker-api/detach-keys.ts';

export interface Sending {
  /** Resolves where the detach keys were typed; else never. */
  readonly detached: Promise<void>;
  /** Reads no more, so that an open input doesn't keep the process. */
  stop(): void;
}

/** Sends what comes in `from`, as fast as it is taken, and its end. @param keys what ends it instead; none: nothing does */
export function sendInput(from: Readable, to: Writable, keys: readonly number[]): Sending {
  const { promise: detached, resolve } = Promise.withResolvers<void>();
  const filter = new DetachFilter(keys);
  const goOn = (): void => void from.resume();
  const onData = (chunk: Buffer): void => {
    const { data, detached: isDetached } = filter.push(chunk);
    if (data.length > 0 && !to.write(data)) from.pause();
    if (isDetached) resolve();
  };
  const onEnd = (): void => {
    const rest = filter.flush();
    if (rest.length > 0) to.write(rest);
    to.end();
  };
  const stop = (): void => {
    from.off('data', onData).off('end', onEnd).pause();
    to.off('drain', goOn).off('close', stop);
  };
  from.on('data', onData).once('end', onEnd);
  to.on('drain', goOn).once('close', stop);
  return { detached, stop };
}
