import type { Readable } from 'node:stream';
import { DEFAULT_DETACH_KEYS, DetachFilter, parseDetachKeys } from '../../../docker-api/detach-keys.ts';
import { ApiError } from '../../http/api-error.ts';

/** Where a client's bytes go. */
interface InputEnd {
  /** Resolves when it is taken. */
  write(data: Uint8Array): Promise<void>;
  endInput(): void;
}

/** How a client left that did not end its input in order. */
export type Leaving = 'detached' | 'broke-off';

/** Empty: Docker's. @throws ApiError 400 */
export function detachKeysOf(text: string): readonly number[] {
  try {
    return parseDetachKeys(text === '' ? DEFAULT_DETACH_KEYS : text);
  } catch (error) {
    throw new ApiError(400, `invalid detachKeys: ${(error as Error).message}`);
  }
}

/** Hands on what a client sends, as fast as it is taken, and its end. @param detachKeys none where nobody types. Never rejects. */
export async function pumpInput(
  to: InputEnd,
  input: Readable,
  detachKeys: readonly number[],
  leave: (how: Leaving) => void,
): Promise<void> {
  const filter = new DetachFilter(detachKeys);
  try {
    for await (const chunk of input.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      const { data, detached } = filter.push(chunk);
      const written = data.length > 0 ? to.write(data) : undefined;
      // A program that reads nothing holds nobody back who wants to leave it.
      if (detached) return leave('detached');
      await written;
    }
    const kept = filter.flush();
    if (kept.length > 0) await to.write(kept);
    to.endInput();
  } catch {
    // The client broke off in the middle of it: leaving is all there is to do.
    leave('broke-off');
  }
}
