import type { AgreedVersion } from '../../core/model/index.ts';
import type { WatchListener } from '../port.ts';
import { changesOf, dataRange, revisionOf } from './codec.ts';
import type { Fields, Gateway } from './gateway.ts';

export interface WatchOptions {
  readonly gateway: Gateway;
  readonly prefix: string;
  /** Changes after this one are told. */
  readonly revision: number;
  readonly versionOf: (revision: number) => AgreedVersion;
  readonly listener: WatchListener;
  readonly signal: AbortSignal;
}

/** After a stream has ended: the member is restarting, most often. */
const AGAIN_MS = [100, 200, 500, 1_000, 2_000];

/**
 * A stream of changes that is opened again after the last revision it told whenever it ends. Where the member no
 * longer knows what came after that (compacted, or behind a snapshot that it was sent), the changes are lost.
 */
export function watchKeys({ gateway, prefix, revision, versionOf, listener, signal }: WatchOptions): void {
  let seen = revision;
  let failures = 0;
  let stop = (): void => {};
  let timer: NodeJS.Timeout | undefined;

  const onLine = (line: Fields): void => {
    const result = line['result'] as Fields | undefined;
    if (result === undefined) throw new Error(`the watch was refused: ${JSON.stringify(line['error'] ?? line).slice(0, 200)}`);
    if (result['compact_revision'] !== undefined) {
      end();
      listener.onLost();
      return;
    }
    if (result['canceled'] === true) throw new Error(`the watch was cancelled: ${String(result['cancel_reason'])}`);
    failures = 0;
    for (const group of changesOf((result['events'] as readonly Fields[] | undefined) ?? [])) {
      if (signal.aborted) return;
      if (group.revision <= seen) continue;
      seen = group.revision;
      listener.onChanges(group.changes, versionOf(seen));
    }
    // Sent where nothing of ours happened for long: what lies before need not be known when the stream ends.
    if (result['events'] === undefined && result['created'] !== true) seen = Math.max(seen, revisionOf(result));
  };

  const open = (): void => {
    const request = { create_request: { ...dataRange(prefix), start_revision: String(seen + 1), progress_notify: true } };
    stop = gateway.stream('/v3/watch', request, onLine, () => {
      timer = setTimeout(open, AGAIN_MS[Math.min(failures++, AGAIN_MS.length - 1)]);
    });
  };
  const end = (): void => {
    clearTimeout(timer);
    stop();
  };

  if (signal.aborted) return;
  signal.addEventListener('abort', end, { once: true });
  open();
}
