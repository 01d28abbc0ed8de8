import type { Affinity } from '../../../core/model/index.ts';
import type { SpecExtras } from '../../../engine/port.ts';
import type { ApiContext } from '../../context.ts';
import { ApiError } from '../../http/api-error.ts';
import { locate } from '../../instance/locate.ts';
import type { Scope } from '../../instance/scope.ts';
import { CONTAINER_MODE } from './check-extras.ts';

/** Who shares another container's namespaces is on its node. @throws ApiError 400 … */
export async function settleModes(
  context: ApiContext,
  extras: SpecExtras,
  scope: Scope,
): Promise<{ readonly extras: SpecExtras; readonly affinities: readonly Affinity[] }> {
  let settled = extras;
  const affinities: Affinity[] = [];
  for (const key of ['pidMode', 'ipcMode'] as const) {
    const mode = extras[key] ?? '';
    if (!mode.startsWith(CONTAINER_MODE)) continue;
    const id = await containerOf(context, mode.slice(CONTAINER_MODE.length), scope);
    settled = { ...settled, [key]: `${CONTAINER_MODE}${id}` };
    affinities.push({ subject: 'container', key: '', operator: '==', value: id, soft: false });
  }
  return { extras: settled, affinities };
}

/** Nothing that is missing is a 404: Docker's clients take that of a create for a missing image, and pull it. */
async function containerOf(context: ApiContext, word: string, scope: Scope): Promise<string> {
  try {
    const located = await locate(context, word, scope);
    return located.at === 'peer' ? located.id : located.container.request.containerId;
  } catch (error) {
    throw error instanceof ApiError && error.status === 404 ? new ApiError(400, error.message) : error;
  }
}
