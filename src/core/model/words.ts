import { MIB } from './resources.ts';

/** `2 CPUs`, `1 CPU`, `0.5 CPUs`. */
export function cpuWords(millicores: number): string {
  return `${cpuNumber(millicores)} ${millicores === 1000 ? 'CPU' : 'CPUs'}`;
}

/** The figure alone: `0.5`. */
export const cpuNumber = (millicores: number): string => String(Math.round(millicores) / 1000);

/** `201 MiB`, `1.5 GiB`, `512 KiB`; rounded down where room is meant, so that nobody is promised a byte too much. */
export const memoryWords = (bytes: number): string => inUnits(bytes, UNITS);

/** Two amounts in words that tell them apart: what would be `1.9 GiB` twice is `2000 MiB` and `1990 MiB`. */
export function memoryWordsApart(a: number, b: number): readonly [string, string] {
  const finer = UNITS.findIndex((_, i) => inUnits(a, UNITS.slice(i)) !== inUnits(b, UNITS.slice(i)));
  const units = UNITS.slice(Math.max(0, finer));
  return [inUnits(a, units), inUnits(b, units)];
}

/** Largest first; the last takes whatever is left. */
const UNITS: readonly (readonly [word: string, bytes: number, digits: number])[] = [
  ['GiB', 1024 * MIB, 1],
  ['MiB', MIB, 1],
  ['KiB', 1024, 0],
  ['bytes', 1, 0],
];

function inUnits(bytes: number, units: typeof UNITS): string {
  const [word, size, digits] = units.find(([, size]) => bytes >= size) ?? ['bytes', 1, 0];
  return `${Math.floor((bytes / size) * 10 ** digits) / 10 ** digits} ${word}`;
}
