/** A span of whole ms as Go writes it, and so Docker: `50ms`, `1.5s`, `1m0s`, `2h3m0s`. */
export function goDuration(spanMs: number): string {
  if (spanMs < 1_000) return spanMs === 0 ? '0s' : `${spanMs}ms`;
  const hours = Math.floor(spanMs / 3_600_000);
  const minutes = Math.floor(spanMs / 60_000) % 60;
  const seconds = `${(spanMs % 60_000) / 1_000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
