import type { TSchema } from 'typebox';

/**
 * Docker's daemon takes a field's name in any case, and some clients rely on it: each key that the schema has in
 * another case is renamed to its. What the schema does not know stays. Takes time proportional to the value.
 *
 * Nor does Docker's daemon, as any program in Go, tell a field that is null from one that is not there, and clients
 * send null for what their user did not say: such fields are left out, and a null in a list or under a name of a map of
 * texts is the empty text.
 */
export function canonical(schema: TSchema, value: unknown): unknown {
  const { properties, patternProperties, items, anyOf } = schema as Shape;
  if (Array.isArray(value)) {
    const of = items ?? anyOf?.find((one) => 'items' in one)?.['items'];
    return isSchema(of) ? value.map((item) => element(of, item)) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (anyOf !== undefined) {
    const of = anyOf.find((one) => 'properties' in one || 'patternProperties' in one);
    return of === undefined ? value : canonical(of, value);
  }
  if (properties !== undefined) return renamed(properties, value);
  const [each] = Object.values(patternProperties ?? {});
  return each === undefined ? value : Object.fromEntries(Object.entries(value).map(([key, held]) => [key, element(each, held)]));
}

/** The parts of JSON Schema that the bodies here are written in. */
interface Shape {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
  readonly items?: unknown;
  readonly anyOf?: readonly Shape[] & readonly TSchema[];
}

const isSchema = (value: unknown): value is TSchema => typeof value === 'object' && value !== null && !Array.isArray(value);

const element = (schema: TSchema, held: unknown): unknown =>
  held === null && (schema as Shape).type === 'string' ? '' : canonical(schema, held);

function renamed(properties: Readonly<Record<string, TSchema>>, value: object): object {
  const byLower = new Map(Object.keys(properties).map((name) => [name.toLowerCase(), name]));
  const entries = Object.entries(value).flatMap(([key, held]): [string, unknown][] => {
    const name = Object.hasOwn(properties, key) ? key : byLower.get(key.toLowerCase());
    const schema = name === undefined ? undefined : properties[name];
    if (name === undefined || schema === undefined) return [[key, held]];
    return held === null ? [] : [[name, canonical(schema, held)]];
  });
  return Object.fromEntries(entries);
}
