/** What of an option this needs to know; commander's Option has it. */
export interface KnownOption {
  readonly short?: string | undefined;
  readonly long?: string | undefined;
  /** Takes a value. */
  readonly required: boolean;
  /** May take one. */
  readonly optional?: boolean;
}

/** The ancestors (Caravela's and Cantainer's papers) wrote these with one dash. */
const ANCESTOR_WORDS: ReadonlyMap<string, string> = new Map([
  ['-cpus', '--cpus'],
  ['-memory', '--memory'],
]);

/**
 * `-cpus 2 -memory 256 IMAGE …` becomes `--cpus 2 --memory 256 IMAGE …`. Exactly these words, and
 * only before IMAGE: what follows belongs to the container, and a value of another option is a value.
 */
export function rewriteAncestorWords(words: readonly string[], options: readonly KnownOption[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === '--' || !word.startsWith('-') || word === '-') return [...out, ...words.slice(i)];
    const ours = ANCESTOR_WORDS.get(word);
    out.push(ours ?? word);
    if ((ours !== undefined || takesNextWord(word, options)) && i + 1 < words.length) out.push(words[++i] ?? '');
  }
  return out;
}

/** Whether the value of this option is the next word: `-m 1`, `--memory 1`, `-dm 1`; but not `-m1`, `--memory=1`. */
export function takesNextWord(word: string, options: readonly KnownOption[]): boolean {
  if (word.startsWith('--')) return options.some((o) => o.long === word && o.required);
  for (let i = 1; i < word.length; i++) {
    const option = options.find((o) => o.short === `-${word[i]}`);
    if (option?.required === true) return i === word.length - 1;
  }
  return false;
}
