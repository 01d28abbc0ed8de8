/** One thing that was looked at: what `network doctor` shows. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'problem';
  /** What was seen, with figures. */
  readonly seen: string;
  /** What to do; '' where nothing is. */
  readonly advice: string;
}

export const ok = (check: string, seen: string): Finding => ({ check, state: 'ok', seen, advice: '' });
export const warning = (check: string, seen: string, advice: string): Finding => ({ check, state: 'warning', seen, advice });
export const problem = (check: string, seen: string, advice: string): Finding => ({ check, state: 'problem', seen, advice });

/** `a, b and c`; of many the first few, and how many more. */
export function listed(words: readonly string[]): string {
  const shown = words.slice(0, SHOWN);
  const more = words.length - shown.length;
  if (more > 0) return `${shown.join(', ')} and ${more} more`;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

const SHOWN = 6;
