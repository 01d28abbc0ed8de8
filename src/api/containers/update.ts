import { Integer, Null, Object as ObjectOf, Optional, String as StringOf, Union, type Static } from 'typebox';
import { type Container, DEFAULT_RESERVATION, type Resources, type RestartPolicy } from '../../core/model/index.ts';
import type { ContainerSpec, SpecExtras } from '../../engine/port.ts';
import { ApiError } from '../http/api-error.ts';
import { restartOf } from './create-request.ts';
import { limitsOf } from './extras/check-extras.ts';
import { checkLimits, type LimitFields, millicoresOf } from './extras/check-limits.ts';
import { specOf } from './facts.ts';
import { refuseUnsupported } from './unsupported.ts';

const number = Optional(Union([Integer(), Null()]));
const text = Optional(StringOf({ maxLength: 4096 }));

export const UPDATE_BODY = ObjectOf({
  NanoCpus: number,
  CpuQuota: number,
  CpuPeriod: number,
  CpuShares: number,
  CpusetCpus: text,
  CpusetMems: text,
  Memory: number,
  MemorySwap: number,
  MemoryReservation: number,
  PidsLimit: number,
  RestartPolicy: Optional(Union([ObjectOf({ Name: text, MaximumRetryCount: number }), Null()])),
});
type UpdateBody = Static<typeof UPDATE_BODY>;

export interface Updated {
  readonly resources: Resources;
  readonly restart: RestartPolicy;
  /** The whole of it, as JSON. */
  readonly spec: string;
  readonly warnings: readonly string[];
}

/**
 * What a container is to have from now on: what is absent, null or 0 stays as it is; a limit of processes of 0 or
 * less is none, a quota of -1, too. @throws ApiError 400, 409, 501: Docker's words where it has some
 */
export function updated(container: Container, body: UpdateBody): Updated {
  const warnings = refuseUnsupported(body);
  const spec = specOf(container);
  const before = limitFields(spec);
  const after = merged(before, body);
  if (
    after.Memory !== before.Memory &&
    (before.MemorySwap ?? 0) > 0 &&
    isUnset(body.MemorySwap) &&
    (after.Memory ?? 0) > (before.MemorySwap ?? 0)
  ) {
    throw new ApiError(400, 'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time');
  }
  refuseConflict(before, after);
  checkLimits(after);
  const { autoRemove, restart: restartBefore } = container.request;
  const restart = isUnset(body.RestartPolicy?.Name) ? restartBefore : restartOf(body.RestartPolicy ?? {});
  if (autoRemove && restart.name !== 'no')
    throw new ApiError(400, 'Restart policy cannot be updated because AutoRemove is enabled for the container');
  const cpuMillicores = millicoresOf(after);
  const memoryBytes = after.Memory ?? 0;
  const { extras = {}, ...rest } = spec;
  const added: SpecExtras = { ...extras, ...limitsOf(after) };
  const changed: ContainerSpec = {
    ...rest,
    nanoCpus: after.NanoCpus ?? 0,
    memoryBytes,
    pidsLimit: after.PidsLimit ?? 0,
    ...(Object.keys(added).length > 0 ? { extras: added } : {}),
  };
  return {
    resources: {
      cpuMillicores: cpuMillicores > 0 ? cpuMillicores : DEFAULT_RESERVATION.cpuMillicores,
      memoryBytes: memoryBytes > 0 ? memoryBytes : DEFAULT_RESERVATION.memoryBytes,
    },
    restart,
    spec: JSON.stringify(changed),
    warnings,
  };
}

const isUnset = (value: unknown): boolean => value === undefined || value === null || value === 0 || value === '';

function merged(before: LimitFields, body: UpdateBody): LimitFields {
  const given = Object.fromEntries(
    Object.entries(body).filter(([key, value]) => Object.hasOwn(before, key) && !isUnset(value)),
  ) as LimitFields;
  const after: { -readonly [Key in keyof LimitFields]: LimitFields[Key] } = { ...before, ...given };
  if (typeof body.PidsLimit === 'number' && body.PidsLimit <= 0) after.PidsLimit = -1;
  return after;
}

/** There are two ways to limit the CPU; with Docker a container keeps to its first. @throws ApiError 409 */
function refuseConflict(before: LimitFields, after: LimitFields): void {
  const isLimited = (value: number | null | undefined): boolean => (value ?? 0) > 0;
  const refuse = (changed: string, set: string): never => {
    throw new ApiError(409, `Conflicting options: ${changed} cannot be updated as ${set} has already been set`);
  };
  if (!isLimited(after.NanoCpus)) return;
  for (const [field, name] of [
    ['CpuQuota', 'CPU Quota'],
    ['CpuPeriod', 'CPU Period'],
  ] as const) {
    if (isLimited(before.NanoCpus) && isLimited(after[field])) refuse(name, 'NanoCPUs');
    if (isLimited(before[field])) refuse('Nano CPUs', name);
  }
}

function limitFields({ nanoCpus, memoryBytes, pidsLimit, extras = {} }: ContainerSpec): LimitFields {
  return {
    NanoCpus: nanoCpus,
    CpuQuota: extras.cpuQuota ?? 0,
    CpuPeriod: extras.cpuPeriod ?? 0,
    CpuShares: extras.cpuShares ?? 0,
    CpusetCpus: extras.cpusetCpus ?? '',
    CpusetMems: extras.cpusetMems ?? '',
    Memory: memoryBytes,
    MemorySwap: extras.memorySwapBytes ?? 0,
    MemoryReservation: extras.memoryReservationBytes ?? 0,
    PidsLimit: pidsLimit,
  };
}
