const FACTORS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 };
/** Docker's least memory limit, bytes: no one means fewer. */
const LEAST_MEMORY_BYTES = 6 * 2 ** 20;

/** `512m`, `1.5g`, `64MiB`, `1048576`: bytes, binary units, as Docker reads memory. @throws RangeError */
export function parseSize(text: string): number {
  return parts(text).bytes;
}

/** As parseSize, but a bare number below 6 Mi (Docker's minimum in bytes) means MiB, as the ancestors' `-memory 256`. @throws RangeError */
export function parseMemory(text: string): number {
  const { bytes, bare } = parts(text);
  return bare && bytes < LEAST_MEMORY_BYTES ? Math.floor(bytes * 2 ** 20) : bytes;
}

function parts(text: string): { readonly bytes: number; readonly bare: boolean } {
  const match = /^(\d+(?:\.\d+)?)\s?(?:([kmgtp])i?b?|(b))?$/i.exec(text);
  const unit = (match?.[2] ?? match?.[3] ?? '').toLowerCase();
  const bytes = match === null ? Number.NaN : Math.floor(Number(match[1]) * (FACTORS[unit] ?? Number.NaN));
  if (!Number.isSafeInteger(bytes)) throw new RangeError(`${JSON.stringify(text)} is not a size: write 512m, 1.5g or a number of bytes`);
  return { bytes, bare: unit === '' };
}
