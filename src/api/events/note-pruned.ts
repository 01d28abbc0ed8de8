import type { ApiContext } from '../context.ts';
import type { Scope } from '../instance/scope.ts';
import type { Fact } from './fact.ts';

/** One prune is one event, however many nodes had a part in it: the asked one tells it, with what all got back. */
export function notePruned(context: ApiContext, scope: Scope, type: Fact['type'], reclaimedBytes: number): void {
  if (scope === 'instance') context.note({ type, action: 'prune', id: '', attributes: { reclaimed: String(reclaimedBytes) } });
}
