import type { RestartPolicy } from '../../docker-api/types.ts';

const NAMES: readonly string[] = ['no', 'always', 'unless-stopped', 'on-failure'];

/** `no`, `always`, `unless-stopped`, `on-failure[:max]`. @throws RangeError */
export function parseRestartPolicy(text: string): RestartPolicy {
  const match = /^([a-z-]+)(?::(\d{1,9}))?$/.exec(text);
  const name = match?.[1] ?? '';
  if (!NAMES.includes(name) || (match?.[2] !== undefined && name !== 'on-failure')) {
    throw new RangeError(`${JSON.stringify(text)} is not a restart policy: write no, always, unless-stopped, on-failure or on-failure:5`);
  }
  return { Name: name as NonNullable<RestartPolicy['Name']>, MaximumRetryCount: Number(match?.[2] ?? 0) };
}
