/** Splits a command into words as a shell does: white space parts them, '…' and "…" and a backslash hold them together. @throws RangeError */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] ?? '';
    if (quote !== '' && sign === quote) quote = '';
    else if (sign === '\\' && quote !== "'" && at + 1 < text.length) word = (word ?? '') + escaped(text[++at] ?? '', quote);
    else if (quote === '' && (sign === "'" || sign === '"')) [quote, word] = [sign, word ?? ''];
    else if (quote === '' && /\s/.test(sign)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + sign;
  }
  if (quote !== '') throw new RangeError(`${JSON.stringify(text.slice(0, 80))} has a quote ${quote} that does not end`);
  return word === undefined ? words : [...words, word];
}

/** Within "…" a backslash stays one before all but these. */
const escaped = (sign: string, quote: string): string => (quote === '"' && !'"\\$`'.includes(sign) ? `\\${sign}` : sign);
