import { type KnownOption, takesNextWord } from './ancestor-words.ts';

/**
 * Docker's client takes `--rm=false`, `-d=true`; commander knows options that are there or not. What is said to be false
 * is left out. Only before the first word that is no option: what follows may belong to the container. Of one that is on
 * unless said otherwise (`--pause`), false is `--no-pause`.
 */
export function rewriteBooleans(words: readonly string[], options: readonly KnownOption[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === '--' || !word.startsWith('-') || word === '-') return [...out, ...words.slice(i)];
    const [, flag = '', said = ''] = /^(--[a-z][a-z-]*|-[a-zA-Z])=(true|false|t|f|1|0)$/i.exec(word) ?? [];
    const option = options.find((each) => (each.long === flag || each.short === flag) && !each.required && each.optional !== true);
    if (flag === '' || option === undefined) {
      out.push(word);
      if (takesNextWord(word, options) && i + 1 < words.length) out.push(words[++i] ?? '');
    } else if (/^(true|t|1)$/i.test(said)) out.push(flag);
    else out.push(...opposite(option, options));
  }
  return out;
}

function opposite(option: KnownOption, options: readonly KnownOption[]): string[] {
  const negated = option.long?.replace(/^--/, '--no-');
  return negated !== undefined && options.some(({ long }) => long === negated) ? [negated] : [];
}
