import { MIB } from './resources.ts';
import type { Resources } from './resources.ts';

/** `2 CPUs`, `1 CPU`, `0.5 CPUs`. */
export function cpuWords(millicores: number): string {
  return `${cpuNumber(millicores)} ${millicores === 1000 ? 'CPU' : 'CPUs'}`;
}

/** The figure alone: `0.5`. */
export const cpuNumber = (millicores: number): string => String(Math.round(millicores) / 1000);

/** `201 MiB`, `1.5 GiB`, `512 KiB`; rounded down where room is meant, so that nobody is promised a byte too much. */
export function memoryWords(bytes: number): string {
  if (bytes >= 1024 * MIB) return `${Math.floor((bytes / (1024 * MIB)) * 10) / 10} GiB`;
  if (bytes >= MIB) return `${Math.floor((bytes / MIB) * 10) / 10} MiB`;
  return bytes >= 1024 ? `${Math.floor(bytes / 1024)} KiB` : `${bytes} bytes`;
}

/** `2 CPUs and 256 MiB`. */
export const resourceWords = (r: Resources): string => `${cpuWords(r.cpuMillicores)} and ${memoryWords(r.memoryBytes)}`;
