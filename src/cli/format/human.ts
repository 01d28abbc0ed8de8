const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `4.26MB`: decimal units, three digits, as Docker prints images. */
export const decimalSize = (bytes: number): string => scaled(bytes, 1000, DECIMAL, 3);

/** `16.43MB`: the same with four digits, as Docker prints sums and volumes. */
export const decimalSum = (bytes: number): string => scaled(bytes, 1000, DECIMAL, 4);

/** `1.5GiB`: binary units, four digits, as Docker prints memory. */
export const binarySize = (bytes: number): string => scaled(bytes, 1024, BINARY, 4);

function scaled(bytes: number, base: number, units: readonly string[], digits: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  // Rounding must not print digits that aren't there, nor 1e+3.
  return `${value >= 10 ** digits ? Math.round(value) : Number(value.toPrecision(digits))}${units[unit] ?? ''}`;
}

/** Millicores as CPUs: `2`, `0.25`. */
export const cpus = (millicores: number): string => String(Number((millicores / 1_000).toFixed(3)));

/** `2026-01-31 12:00:00 +0000 UTC`, as Docker's CreatedAt. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;
}
