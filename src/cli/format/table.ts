const GAP = 3;
const LEAST_WIDTH = 10;

/** Columns of text as Docker lays them out: three spaces between, ten characters at least, the last as it is. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(LEAST_WIDTH, ...rows.map((row) => width(row[i] ?? '') + GAP)));
  return rows
    .map((row) => row.map((cell, i) => (i === columns - 1 ? cell : cell + ' '.repeat((widths[i] ?? 0) - width(cell)))).join(''))
    .map((line) => `${line}\n`)
    .join('');
}

function width(text: string): number {
  return Array.from(text).length;
}
