import type { Affinity, Constraint, RestartPolicy } from '../../core/model/index.ts';
import type { SpecExtras } from '../../engine/port.ts';
import type { CreateBody } from './create-body.ts';
import type { MountsAsked } from './mounts/check-mounts.ts';
import type { AskedNetworking } from './networking/check-networking.ts';

/** What a body asks for, checked; image and networks are looked up next. */
export interface Wanted {
  readonly body: CreateBody;
  readonly networking: AskedNetworking;
  readonly mounts: MountsAsked;
  readonly extras: SpecExtras;
  readonly restart: RestartPolicy;
  /** The body's, without those that speak of placement. */
  readonly env: readonly string[];
  readonly constraints: readonly Constraint[];
  readonly affinities: readonly Affinity[];
  /** Without those of the networking. */
  readonly warnings: readonly string[];
}
