import type { Constraint, Result } from '../../../core/model/index.ts';
import type { Backend } from '../../backend.ts';
import { API_LIMITS } from '../../limits.ts';
import type { Settled } from '../settle.ts';
import { pinTo } from './settle-mounts.ts';

/** What the supplier says of a volume that became another node's while the container was placed. */
const LOST = /\bvolume \S+ is on node /;

/**
 * Where a run failed because another node was first to use one of its volumes: the constraints to try it with once
 * more. Waits a moment to hear of whose it is. undefined: it failed for another reason, or that is not heard.
 */
export async function constraintsAfterLoss(backend: Backend, settled: Settled, result: Result): Promise<readonly Constraint[] | undefined> {
  if (result.ok || !LOST.test(result.error.message)) return undefined;
  const names = settled.mounts.mounts.flatMap((mount) => (mount.kind === 'volume' && !mount.anonymous ? [mount.name] : []));
  for (let waitedMs = 0; waitedMs <= API_LIMITS.agreedWaitMs; waitedMs += API_LIMITS.agreedPollMs) {
    const holders = new Set(names.map((name) => backend.volumes.nodeOf(name)).filter((node) => node !== undefined));
    const added = [...holders].map((node) => pinTo(backend, node)).filter((pin) => !settled.constraints.some((one) => isSame(one, pin)));
    if (added.length > 0) return [...settled.constraints, ...added];
    await new Promise((resolve) => {
      setTimeout(resolve, API_LIMITS.agreedPollMs);
    });
  }
  return undefined;
}

const isSame = (a: Constraint, b: Constraint): boolean =>
  a.key === b.key && a.operator === b.operator && a.value === b.value && a.soft === b.soft;
