import type { TerminalSize } from '../../engine/port.ts';
import { ApiError } from './api-error.ts';
import { type Query, wholeOf } from './query.ts';

/** The kernel's (struct winsize). */
const MOST_CHARACTERS = 65_535;

/** `h` and `w` of a resize; 0 where the client's own terminal has none. @throws ApiError 400 */
export function sizeOf(query: Query): TerminalSize {
  const [rows = 0, columns = 0] = [wholeOf(query, 'h'), wholeOf(query, 'w')];
  const valid = (n: number): boolean => n >= 0 && n <= MOST_CHARACTERS;
  if (!valid(rows) || !valid(columns)) {
    throw new ApiError(400, `a terminal has up to ${MOST_CHARACTERS} rows and columns (h, w), got ${rows} and ${columns}`);
  }
  return { rows, columns };
}

/** Docker's pair. Clients whose own terminal has no size say 0: undefined. */
export function sizeOfPair(pair: readonly number[] | null | undefined): TerminalSize | undefined {
  const [rows = 0, columns = 0] = pair ?? [];
  return rows > 0 && columns > 0 ? { rows, columns } : undefined;
}
