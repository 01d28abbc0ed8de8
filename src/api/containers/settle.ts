import { type Affinity, type Constraint, LIMITS } from '../../core/model/index.ts';
import type { SpecExtras } from '../../engine/port.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../http/api-error.ts';
import type { Wanted } from './wanted.ts';
import { settleModes } from './extras/settle-modes.ts';
import { type SettledMounts, settleMounts } from './mounts/settle-mounts.ts';
import { type SettledNetworking, type SettleOptions, settleNetworking } from './networking/settle-networking.ts';

/** What a container is to have, with the networks, volumes and other containers that were meant. */
export interface Settled {
  readonly networking: SettledNetworking;
  readonly mounts: Pick<SettledMounts, 'mounts' | 'asked'>;
  readonly extras: SpecExtras;
  /** What was asked, and what the rest makes necessary. */
  readonly constraints: readonly Constraint[];
  readonly affinities: readonly Affinity[];
}

/** Looks up what a request names beside its image. @throws ApiError 400, 409 …, NetworkRefused */
export async function settle(context: ApiContext, wanted: Wanted, options: SettleOptions): Promise<Settled> {
  const mounts = await settleMounts(context, wanted.mounts, wanted.constraints, options.scope);
  const modes = await settleModes(context, wanted.extras, options.scope);
  const networking = await settleNetworking(context, wanted.networking, options);
  const affinities = [...wanted.affinities, ...networking.affinities, ...mounts.affinities, ...modes.affinities];
  const constraints = [...wanted.constraints, ...mounts.constraints];
  return {
    networking,
    mounts,
    extras: modes.extras,
    constraints: bounded(constraints, LIMITS.constraints, 'constraints with those to the nodes of its mounts'),
    affinities: bounded(affinities, LIMITS.affinities, 'affinities with those to the containers that it shares something with'),
  };
}

function bounded<T>(list: readonly T[], most: number, what: string): readonly T[] {
  if (list.length > most) throw new ApiError(400, `a container may have at most ${most} ${what}, got ${list.length}`);
  return list;
}
