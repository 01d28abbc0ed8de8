interface ExactJson {
  rawJSON: (text: string) => object;
  parse: (text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown) => unknown;
}

/**
 * As JSON.parse, but for integers that a number can't hold (a resource limit of "infinity" is 2^64 - 1): they come out
 * as they went in when this is made text again. (ECMA's JSON.parse source text access.)
 */
export function parseExactly(text: string): unknown {
  const json = JSON as unknown as ExactJson;
  const isCoarse = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
  return json.parse(text, (_, value, { source }) => (isCoarse(value) && source !== undefined ? json.rawJSON(source) : value));
}
