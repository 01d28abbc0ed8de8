import type { SpecExtras } from '../../../engine/port.ts';
import { ApiError } from '../../http/api-error.ts';
import type { CreateBody } from '../create-body.ts';

type Healthcheck = NonNullable<SpecExtras['healthcheck']>;

const KINDS = ['NONE', 'CMD', 'CMD-SHELL'];
/** Docker's least, ns. */
const LEAST_NS = 1_000_000;

/** A Healthcheck; undefined: as the image says. @throws ApiError 400: Docker's words where it has some */
export function checkHealth(config: CreateBody['Healthcheck']): Healthcheck | undefined {
  if (config === null || config === undefined) return undefined;
  const test = config.Test ?? [];
  const [interval, timeout, startPeriod] = [config.Interval ?? 0, config.Timeout ?? 0, config.StartPeriod ?? 0];
  const retries = config.Retries ?? 0;
  const [kind] = test;
  if (kind !== undefined && kind !== '' && !KINDS.includes(kind))
    throw new ApiError(400, `Unknown healthcheck type ${JSON.stringify(kind.slice(0, 40))}`);
  for (const [what, ns] of [
    ['Interval', interval],
    ['Timeout', timeout],
    ['StartPeriod', startPeriod],
  ] as const) {
    if (ns !== 0 && ns < LEAST_NS) throw new ApiError(400, `${what} in Healthcheck cannot be less than 1ms, got ${ns} ns`);
  }
  if (retries < 0) throw new ApiError(400, `Retries in Healthcheck cannot be negative, got ${retries}`);
  const isEmpty = test.length === 0 && interval === 0 && timeout === 0 && startPeriod === 0 && retries === 0;
  return isEmpty ? undefined : { test, interval, timeout, startPeriod, retries };
}
