import { Failure } from '../failure.ts';

/** `--filter key=value`, several of one key are alternatives: Docker's `filters` parameter. */
export function filters(entries: readonly string[] | undefined): Record<string, string[]> | undefined {
  if (entries === undefined || entries.length === 0) return undefined;
  const out: Record<string, string[]> = {};
  for (const entry of entries) {
    const at = entry.indexOf('=');
    if (at <= 0) throw new Failure(`${JSON.stringify(entry)} is not a filter: write key=value, such as status=exited`);
    (out[entry.slice(0, at).toLowerCase()] ??= []).push(entry.slice(at + 1));
  }
  return out;
}
