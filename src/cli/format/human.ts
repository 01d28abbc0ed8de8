const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `4.26MB`: decimal units, three digits, as Docker prints images. */
export const decimalSize = (bytes: number): string => scaled(bytes, 1000, DECIMAL, 3);

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

/** `3 minutes`, `About an hour`, in Docker's words. */
export function span(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.round(seconds / 3_600);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 14) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 60) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}

/** `2026-01-31 12:00:00 +0000 UTC`, as Docker's CreatedAt. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;
}
