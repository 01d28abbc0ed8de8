import { value } from '../commands/options.ts';

/** Of an option that may be given several times: reads each value, and keeps them all. */
export function gather<T>(parse: (text: string) => T): (text: string, previous: readonly T[] | undefined) => readonly T[] {
  const read = value(parse);
  return (text, previous) => [...(previous ?? []), read(text)];
}
