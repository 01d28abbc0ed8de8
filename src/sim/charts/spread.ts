/** Mean and sample standard deviation; undefined of nothing. */
export interface Spread {
  readonly mean: number;
  readonly deviation: number;
  readonly count: number;
}

/** @param values null: this one has no such figure */
export function spreadOf(values: readonly (number | null)[]): Spread | undefined {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return undefined;
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: known.length > 1 ? Math.sqrt(squares / (known.length - 1)) : 0, count: known.length };
}

/** `95.1 ± 0.4`; the deviation is left out where there is none. */
export function spreadText(spread: Spread, format: (value: number) => string): string {
  const deviation = format(spread.deviation);
  return deviation === format(0) ? format(spread.mean) : `${format(spread.mean)} ± ${deviation}`;
}
