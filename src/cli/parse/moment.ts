import { parseDuration } from './duration.ts';

/** `--since` and `--until`: `10m` (ago), RFC 3339, or seconds since 1970. Returns seconds since 1970 as the API takes them. @throws RangeError */
export function parseMoment(text: string, nowMs: number): string {
  if (/^\d+(\.\d{1,9})?$/.test(text)) return text;
  if (/^\d{4}-\d\d-\d\d/.test(text)) {
    const ms = Date.parse(text);
    if (!Number.isNaN(ms)) return seconds(ms);
  }
  try {
    return seconds(nowMs - parseDuration(text));
  } catch {
    throw new RangeError(`${JSON.stringify(text)} is not a time: write 10m (ago), 2026-01-31T12:00:00Z or seconds since 1970`);
  }
}

function seconds(ms: number): string {
  const clamped = Math.max(0, ms);
  return `${Math.floor(clamped / 1_000)}.${String(Math.floor(clamped % 1_000)).padStart(3, '0')}000000`;
}
