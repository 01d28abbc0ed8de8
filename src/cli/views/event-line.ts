import type { EventMessage } from '../../docker-api/types.ts';

/** As Docker prints an event: time, type, action, id, and what else is known, sorted. */
export function eventLine({ Type, Action, Actor, time, timeNano }: EventMessage): string {
  const attributes = Object.entries(Actor.Attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
  return `${nanoTime(time, timeNano)} ${Type} ${Action} ${Actor.ID}${attributes === '' ? '' : ` (${attributes})`}`;
}

/** RFC 3339 with nine digits of the second, in the time zone here. */
function nanoTime(seconds: number, nanoseconds: number): string {
  const date = new Date(seconds * 1_000);
  const offsetMinutes = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offsetMinutes * 60_000).toISOString().slice(0, 19);
  // A number of JavaScript is not exact to the nanosecond; the digits it is written by are those that were meant.
  const fraction = String(nanoseconds).padStart(9, '0').slice(-9);
  return `${local}.${fraction}${zone(offsetMinutes)}`;
}

function zone(offsetMinutes: number): string {
  if (offsetMinutes === 0) return 'Z';
  const minutes = Math.abs(offsetMinutes);
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
