import type { AgreedState } from '../../agreement/state/port.ts';
import type { NetworkId } from '../../core/model/index.ts';

/** What is agreed reaches all nodes within some tens of ms; gossip makes up for what was lost on the way. */
const WITHIN_MS = 1_000;

/**
 * Resolves when this node's copy of what is agreed has all these networks, or the time is up: one that was made a moment
 * ago on another node may be used here before this node has heard of it.
 */
export async function heardOf(state: Pick<AgreedState, 'network' | 'onChange'>, networks: readonly NetworkId[]): Promise<void> {
  const isThere = () => networks.every((id) => state.network(id) !== undefined);
  if (isThere()) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(end, WITHIN_MS);
    const stop = state.onChange(() => {
      if (isThere()) end();
    });
  });
}
