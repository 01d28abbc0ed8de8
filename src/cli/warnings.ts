import type { IncomingHttpHeaders } from 'node:http';
import { UNREACHABLE_HEADER } from '../docker-api/caravela-types.ts';
import type { Io } from './io.ts';

/** A list that misses nodes is never shown as if it were whole. */
export function warnUnreachable(io: Io, headers: IncomingHttpHeaders, what: string): void {
  const value = headers[UNREACHABLE_HEADER.toLowerCase()];
  const names = (Array.isArray(value) ? value.join(', ') : (value ?? '')).trim();
  if (names === '') return;
  const several = names.includes(',');
  io.stderr.write(`warning: ${names} did not answer; ${several ? 'their' : 'its'} ${what} are not shown\n`);
}
