import type { NodeId } from '../../core/model/index.ts';
import { type VolumeSummary, VolumeError } from '../../engine/port.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import { askAll } from '../instance/ask.ts';
import { namesOf, type Scope } from '../instance/scope.ts';

export type LocatedVolume =
  | { readonly at: 'here'; readonly volume: VolumeSummary }
  | { readonly at: 'peer'; readonly node: NodeId }
  /** Its name is this node's, and nothing else of it is there: it was to be made, or was removed by half. */
  | { readonly at: 'nowhere' };

/** As generated names are: nobody agreed on whose they are. */
const GENERATED = /^[0-9a-f]{64}$/;

/** @throws ApiError 404, 503 where a node that does not answer may have it */
export async function locateVolume({ backend }: ApiContext, name: string, scope: Scope): Promise<LocatedVolume> {
  const volume = await inspectHere(name, () => backend.volumes.here.inspect(name));
  if (volume !== undefined) return { at: 'here', volume };
  const agreed = backend.volumes.nodeOf(name);
  if (agreed === backend.self().id) return { at: 'nowhere' };
  if (scope === 'node') throw noSuchVolume(name);
  if (agreed !== undefined) return { at: 'peer', node: agreed };
  if (!GENERATED.test(name)) throw noSuchVolume(name);
  const { answers, silent, dead } = await askAll(backend, { path: `/volumes/${name}`, enough: ({ status }) => status === 200 });
  const found = answers.find(({ status }) => status === 200);
  if (found !== undefined) return { at: 'peer', node: found.member.id };
  const unasked = [...silent, ...dead];
  if (unasked.length === 0) throw noSuchVolume(name);
  throw new ApiError(
    503,
    `No volume ${name} on the nodes that answered; ${namesOf(unasked)} did not answer and may have it. Try again later`,
  );
}

export const noSuchVolume = (name: string): ApiError => new ApiError(404, `get ${name}: no such volume`);

/** What is no name names no volume. */
async function inspectHere(name: string, look: () => Promise<VolumeSummary | undefined>): Promise<VolumeSummary | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof VolumeError && error.code === 'bad-name') throw noSuchVolume(name);
    throw error;
  }
}
