import type { AgreedVersion } from '../../core/model/index.ts';
import type { ReplicatedStore, WatchListener } from '../port.ts';
import type { Copy } from '../state/copy.ts';
import { PREFIX } from '../state/keys.ts';

const AGAIN_MS = [200, 500, 1_000, 2_000];

export interface FollowStoreHost {
  readonly copy: Copy;
  /** Returns the way to call it off. */
  after(ms: number, run: () => void): () => void;
  log(level: 'debug' | 'info', message: string, facts: Readonly<Record<string, unknown>>): void;
}

/**
 * On an agreement member: the copy follows the member's own store by a watch. It begins with all of it, read
 * linearizably, and again wherever changes were missed; until a majority answers it waits.
 */
export function followStore(store: ReplicatedStore, host: FollowStoreHost, signal: AbortSignal): void {
  const { copy } = host;
  let failures = 0;

  const begin = async (): Promise<void> => {
    try {
      const { value, version } = await store.range(PREFIX);
      failures = 0;
      if (signal.aborted) return;
      copy.apply({ from: undefined, version, entries: value, removed: [] });
      watch(version);
    } catch (error) {
      if (signal.aborted) return;
      host.log('debug', 'what is agreed cannot be read yet', { error: (error as Error).message });
      again(AGAIN_MS[Math.min(failures++, AGAIN_MS.length - 1)] ?? 0);
    }
  };

  const again = (afterMs: number): void => {
    const cancel = host.after(afterMs, () => {
      signal.removeEventListener('abort', cancel);
      void begin();
    });
    signal.addEventListener('abort', cancel, { once: true });
  };

  const watch = (start: AgreedVersion): void => {
    let from = start;
    const own = new AbortController();
    const listener: WatchListener = {
      onChanges(changes, version) {
        if (signal.aborted) return;
        const entries = changes.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
        const removed = changes.flatMap(({ key, entry }) => (entry === undefined ? [key] : []));
        // The copy may be ahead: peers push, too. Then this is old to it.
        copy.apply({ from, version, entries, removed });
        from = version;
      },
      onLost() {
        own.abort();
        if (!signal.aborted) again(0);
      },
    };
    store.watch(PREFIX, start.revision, listener, AbortSignal.any([signal, own.signal]));
  };

  void begin();
}
