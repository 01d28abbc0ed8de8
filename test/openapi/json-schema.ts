/** A schema as JSON; what is in it depends on its dialect. */
export type Schema = Readonly<Record<string, unknown>>;

/** Words of the document for people and for generators of code. */
const DROPPED = new Set(['example', 'examples', 'description', 'title', 'discriminator', 'xml', 'externalDocs', 'default']);

/** A schema of OpenAPI 2 as one of JSON Schema: `x-nullable` is a type of its own there. */
export function jsonSchemaOf(schema: Schema): Schema {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key.startsWith('x-') || DROPPED.has(key)) continue;
    plain[key] = key === 'properties' ? mapped(value) : converted(value);
  }
  return schema['x-nullable'] === true ? { anyOf: [{ type: 'null' }, plain] } : plain;
}

/** A property may be named like a word of the dialect. */
function mapped(properties: unknown): unknown {
  return Object.fromEntries(
    Object.entries(properties as Readonly<Record<string, Schema>>).map(([name, each]) => [name, jsonSchemaOf(each)]),
  );
}

function converted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => (isSchema(each) ? jsonSchemaOf(each) : each));
  return isSchema(value) ? jsonSchemaOf(value) : value;
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value);
