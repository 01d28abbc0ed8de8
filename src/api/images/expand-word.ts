/**
 * A word of a Dockerfile without its quotes and escapes, and with the values of variables in the place of `$NAME`,
 * `${NAME}`, `${NAME:-word}` and `${NAME:+word}` (docs.docker.com/reference/dockerfile, environment replacement).
 * What is none of them stays as it is.
 */
export function expandWord(word: string, valueOf: (name: string) => string | undefined): string {
  let text = '';
  let quote = '';
  for (let at = 0; at < word.length; at++) {
    const sign = word[at] ?? '';
    if (sign === quote) quote = '';
    else if (quote === '' && (sign === '"' || sign === "'")) quote = sign;
    else if (sign === '\\' && quote !== "'" && at + 1 < word.length) text += word[++at] ?? '';
    else if (sign === '$' && quote !== "'") {
      const found = VARIABLE.exec(word.slice(at));
      text += found === null ? sign : valueIn(found, valueOf);
      at += (found?.[0].length ?? 1) - 1;
    } else text += sign;
  }
  return text;
}

const VARIABLE = /^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:[-+])([^}]*))?\})/;

function valueIn([, plain, braced, operator, word = '']: RegExpExecArray, valueOf: (name: string) => string | undefined): string {
  const value = valueOf(plain ?? braced ?? '') ?? '';
  if (operator === ':-') return value === '' ? word : value;
  if (operator === ':+') return value === '' ? '' : word;
  return value;
}
