const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `24h`, `1h30m`, `90s`, `500ms`, `7d`: ms. As Go writes durations, and days. @throws RangeError */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  const whole = parts.map((p) => p[0]).join('');
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS_MS[unit ?? ''] ?? Number.NaN), 0);
  if (text === '' || whole !== text || !Number.isSafeInteger(Math.round(ms))) {
    throw new RangeError(`${JSON.stringify(text)} is not a duration: write 24h, 1h30m or 90s`);
  }
  return Math.round(ms);
}
