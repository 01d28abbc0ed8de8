/** A programmer's error. It stays on in production: a daemon that asserts stops, its containers run on. */
export class AssertionFailed extends Error {
  override name = 'AssertionFailed';
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message);
}

/** Ends every `switch` over a discriminated union: a new variant then fails to compile. */
export function assertNever(value: never): never {
  throw new AssertionFailed(`unexpected variant: ${JSON.stringify(value)}`);
}
