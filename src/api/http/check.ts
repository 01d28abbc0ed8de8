import { Check, Errors } from 'typebox/schema';
import type { Static, TSchema } from 'typebox';
import { ApiError } from './api-error.ts';
import { canonical } from './canonical.ts';

/** A client's `value` as what the schema says. @throws ApiError 400, naming the field and what it held */
export function checked<Schema extends TSchema>(schema: Schema, given: unknown, what: string): Static<Schema> {
  const value = canonical(schema, given);
  if (Check(schema, value)) return value;
  const [, errors] = Errors(schema, value);
  const first = errors[0];
  if (first === undefined) throw new ApiError(400, `${what} is not valid`);
  const steps = first.instancePath.split('/').slice(1);
  const held = steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], value);
  const field = steps.length > 0 ? steps.join('.') : what;
  throw new ApiError(400, `${field} ${first.message}, got ${(JSON.stringify(held) ?? 'nothing').slice(0, 80)}`);
}

/** The elements of a peer's list that have the shape; a peer of another version must not break ours. */
export function rowsOf<Schema extends TSchema>(schema: Schema, value: unknown): Static<Schema>[] {
  return Array.isArray(value) ? value.filter((row): row is Static<Schema> => Check(schema, row)) : [];
}
